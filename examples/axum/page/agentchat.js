// A stand-in for Diyalog's web app: it asks whether the token of its address is good, and opens the chat only if it is.
"use strict";

/** The iframe's address has other names than the question: `userId` is asked about as `userNo`, `dlgToken` as `token`. */
async function main() {
    const given = new URLSearchParams(location.hash.replace(/^#\/auth\?/, ""));
    const asked = new URLSearchParams({
        sessionId: given.get("sessionId") ?? "", token: given.get("dlgToken") ?? "", userNo: given.get("userId") ?? "",
    });
    const answer = await (await fetch(`/CheckToken?${asked}`)).text();
    document.getElementById("answer").textContent = answer;
    document.getElementById("state").textContent = JSON.parse(answer).success === true
        ? `The chat of ${given.get("userName")} with customer ${given.get("customerId")} is open.`
        : "The chat is not opened.";
}

main();

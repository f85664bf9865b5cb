// Opens Diyalog in an iframe, as its page "How to Use Diyalog Web App in Iframe" has it.
"use strict";

/** Where Diyalog's web app is: `https://<your diyalog webapp server>/app/agentchat.html`. Here it is the stand-in. */
const DIYALOG = "/diyalog/app/agentchat.html";

async function open(userId) {
    const login = await fetch("/login/agent", { method: "POST", body: JSON.stringify({ userNo: "45186" }) });
    const { sessionId, token } = await login.json();
    const fields = {
        customerId: "23373681", userId, sessionId, userName: "Ad Soyad", dlgToken: token, isOutbound: "false",
    };
    const query = Object.entries(fields).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
    // A new iframe each time: with another fragment alone, the page within would not be loaded again.
    const frame = document.createElement("iframe");
    frame.title = "Diyalog";
    frame.src = `${DIYALOG}#/auth?${query}`;
    document.getElementById("address").textContent = frame.src;
    document.getElementById("frame").replaceChildren(frame);
}

document.getElementById("own").onclick = () => open("45186");
document.getElementById("other").onclick = () => open("45187");
open("45186");

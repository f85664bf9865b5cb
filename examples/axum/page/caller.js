// Makes the calls of the tour. It is a worker because a browser reports each answer of 400 or more to a page's own call
// as an error in the console, and here such an answer is often the right one.
"use strict";

onmessage = async ({ data: { id, method, path, headers, body } }) => {
    try {
        const options = { method, headers, body: body === "" ? undefined : body, cache: "no-store", credentials: "omit" };
        const response = await fetch(path, options);
        postMessage({ id, status: response.status, headers: [...response.headers], body: await response.text() });
    } catch (error) {
        postMessage({ id, error: String(error) });
    }
};

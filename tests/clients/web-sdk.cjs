// TapTalk.io's unmodified web SDK against the axum example: login, check, socket, refresh and logout, and an outage of
// the store. Run by `.ci/clients`, which starts the example and its Redis.
//
// Usage: node web-sdk.cjs <base URL> <process id of Redis>
"use strict";
const assert = require("node:assert");
const { WebSocket } = require("ws");

const [base, redis] = [process.argv[2], Number(process.argv[3])];

// The parts of a browser that the SDK needs.
const items = new Map();
const lost = [];
globalThis.window = { addEventListener() {}, WebSocket };
Object.defineProperty(globalThis, "navigator", { value: { appName: "Netscape", userAgent: "driver", onLine: true }, configurable: true });
globalThis.WebSocket = WebSocket;
globalThis.FileReader = class {};
globalThis.localStorage = {
    getItem: (name) => items.get(name) ?? null,
    setItem: (name, value) => void items.set(name, value),
    removeItem: (name) => void items.delete(name),
};
globalThis.XMLHttpRequest = class {
    headers = {};
    open(method, url) {
        Object.assign(this, { method, url });
    }
    setRequestHeader(name, value) {
        this.headers[name] = value;
    }
    async send(body) {
        // Like a browser, this sends no body with a GET, and a text body as plain text.
        const request = { method: this.method, headers: this.headers, body: this.method === "GET" ? undefined : body };
        try {
            const answer = await fetch(this.url, request);
            [this.status, this.statusText, this.response] = [answer.status, answer.statusText, await answer.text()];
            this.onload();
        } catch (error) {
            this.status = 0;
            this.onerror(error);
        }
    }
};

const { taptalk } = require("@taptalk.io/web-sdk");
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const step = (what) => console.log(`web SDK: ${what}`);

/** Calls the SDK with its callbacks, and resolves or rejects as it calls them. */
function succeeds(call) {
    return new Promise((onSuccess, fail) => {
        const onError = (code, message) => fail(new Error(`${code}: ${message}`));
        call({ onSuccess, onError, onClose() {} });
    });
}

async function ticket() {
    const answer = await fetch(`${base}/v1/server/auth_ticket/request`, {
        method: "POST",
        headers: { "Server-Key": btoa("demo-server:demo-secret") },
        body: JSON.stringify({
            userIPAddress: "127.0.0.1", userAgent: "driver", userPlatform: "web", userDeviceID: "1", xcUserID: "287",
            fullName: "Demo User",
        }),
    });
    return (await answer.json()).data.ticket;
}

/** Lets the SDK check the access token. The SDK refreshes an expired one. */
async function check(limit) {
    const timeout = sleep(limit).then(() => { throw new Error("no check succeeded in time"); });
    await Promise.race([succeeds((callback) => taptalk.testAccessToken(callback)), timeout]);
    assert.deepStrictEqual(lost, [], "the SDK ended the session");
}

async function main() {
    taptalk.init("demo-web", "demo-web-secret", base);
    taptalk.addTapListener({ onTapTalkRefreshTokenExpired: () => lost.push("logged out") });
    while (taptalk.getProjectConfigs() === null) await sleep(20);
    step("the project's settings are there");

    const good = await ticket();
    await succeeds((callback) => taptalk.authenticateWithAuthTicket(good, false, callback));
    await check(5000);
    step("logged in by a ticket, and checked");

    await succeeds((callback) => taptalk.connect(callback));
    assert(taptalk.isConnected());
    step("the socket is open");
    taptalk.disconnect();

    // The access token lives for two seconds.
    for (let round = 0; round < 2; round++) {
        const before = items.get("TapTalk.UserData");
        await sleep(2100);
        await check(10_000);
        assert.notStrictEqual(items.get("TapTalk.UserData"), before, "the tokens were not refreshed");
    }
    step("refreshed twice");

    await sleep(2100);
    process.kill(redis, "SIGSTOP");
    const checked = check(20_000);
    await sleep(2000);
    process.kill(redis, "SIGCONT");
    await checked;
    step("refreshed through two seconds without the store, still logged in");

    await succeeds((callback) => taptalk.logoutAndClearAllTapTalkData(callback));
    assert(!items.has("TapTalk.UserData"));
    step("logged out");
}

main().then(() => process.exit(0), (error) => {
    console.error(error);
    process.exit(1);
});

// The pages of the axum example in a headless Chromium: every call of the tour is made by a click and compared with what
// the platform's contract says, and the agent case is opened in its iframe. Anything that the browser complains about is a
// failure. Run by `.ci/browser`, which starts the example.
//
// Usage: node browser.cjs <base URL> <program of the browser>
"use strict";
const assert = require("node:assert");
const { spawn } = require("node:child_process");
const { mkdtempSync, rmSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");

const [base, program] = process.argv.slice(2);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** The DevTools protocol over a pair of pipes: messages of JSON, each with a zero byte after it. */
class Browser {
    answers = new Map();
    listeners = [];
    count = 0;

    constructor(profile) {
        const options = [
            "--headless=new", "--remote-debugging-pipe", `--user-data-dir=${profile}`, "--no-first-run", "--disable-gpu",
            "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync",
        ];
        // Chromium's sandbox does not work for root.
        if (process.getuid() === 0) options.push("--no-sandbox");
        const stdio = ["ignore", "ignore", "ignore", "pipe", "pipe"];
        this.process = spawn(program, [...options, "about:blank"], { stdio, detached: true });
        let text = "";
        this.process.stdio[4].setEncoding("utf8").on("data", (data) => {
            const messages = (text + data).split("\0");
            text = messages.pop();
            messages.forEach((message) => this.read(JSON.parse(message)));
        });
    }

    read({ id, result, error, method, params, sessionId }) {
        if (id === undefined) return this.listeners.forEach((listener) => listener(method, params, sessionId));
        const { done, fail } = this.answers.get(id);
        this.answers.delete(id);
        return error ? fail(new Error(JSON.stringify(error))) : done(result);
    }

    send(method, params = {}, sessionId = undefined) {
        const id = ++this.count;
        this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
        return new Promise((done, fail) => this.answers.set(id, { done, fail }));
    }

    async end() {
        const ended = new Promise((done) => this.process.once("exit", done));
        this.send("Browser.close").catch(() => {});
        await Promise.race([ended, sleep(5000)]);
        try {
            process.kill(-this.process.pid, "SIGKILL");
        } catch {
            // It has ended.
        }
    }
}

/** A tab, what the browser complains about in it and in its workers and frames, and what they have requested. */
class Tab {
    complaints = [];
    requests = [];
    responses = [];
    workers = new Set();
    /** How often a condition is looked at until it must be true. */
    tries = 400;
    /** Answers that the app is made to give, by path: a status and a body. */
    planted = {};

    static async open(browser) {
        const tab = new Tab();
        tab.browser = browser;
        const { targetId } = await browser.send("Target.createTarget", { url: "about:blank" });
        ({ sessionId: tab.session } = await browser.send("Target.attachToTarget", { targetId, flatten: true }));
        browser.listeners.push((method, params, session) => tab.hear(method, params, session));
        await tab.watch(tab.session);
        await Promise.all([tab.send("Page.enable"), tab.send("Audits.enable")]);
        return tab;
    }

    send(method, params) {
        return this.browser.send(method, params, this.session);
    }

    async watch(session) {
        const start = (method, params) => this.browser.send(method, params, session);
        const attach = { autoAttach: true, waitForDebuggerOnStart: true, flatten: true };
        const domains = ["Runtime.enable", "Log.enable", "Network.enable"].map((method) => start(method));
        await Promise.all([...domains, start("Target.setAutoAttach", attach)]);
        await start("Runtime.runIfWaitingForDebugger");
    }

    hear(method, params, session) {
        if (session !== this.session && !this.workers.has(session)) return;
        const complain = (what) => this.complaints.push(`${method}: ${what}`);
        switch (method) {
            case "Target.attachedToTarget":
                this.workers.add(params.sessionId);
                this.watch(params.sessionId).catch((error) => complain(error.message));
                break;
            case "Runtime.consoleAPICalled":
                complain(`${params.type} ${JSON.stringify(params.args.map(({ value }) => value))}`);
                break;
            case "Runtime.exceptionThrown":
                complain(JSON.stringify(params.exceptionDetails));
                break;
            case "Log.entryAdded":
                complain(`${params.entry.level} ${params.entry.text} ${params.entry.url ?? ""}`);
                break;
            case "Audits.issueAdded":
                complain(JSON.stringify(params.issue));
                break;
            case "Network.loadingFailed":
                complain(params.errorText);
                break;
            case "Fetch.requestPaused":
                this.answer(params).catch((error) => complain(error.message));
                break;
            case "Network.requestWillBeSent":
                this.requests.push(params.request);
                break;
            case "Network.responseReceived":
                this.responses.push({ ...params.response, type: params.type });
                break;
        }
    }

    /** Plants an answer. */
    async plant(path, status, body) {
        this.planted[path] = { status, body };
        await this.send("Fetch.enable", { patterns: [{ urlPattern: `${base}${path}` }] });
    }

    answer({ requestId, request }) {
        const { status, body } = this.planted[request.url.slice(base.length)];
        const responseHeaders = [{ name: "content-type", value: "text/plain; charset=utf-8" }];
        const answer = { responseCode: status, responseHeaders, body: Buffer.from(body).toString("base64") };
        return this.send("Fetch.fulfillRequest", { requestId, ...answer });
    }

    async evaluate(expression) {
        const options = { expression, returnByValue: true, awaitPromise: true };
        const { result, exceptionDetails } = await this.send("Runtime.evaluate", options);
        assert(!exceptionDetails, JSON.stringify(exceptionDetails));
        return result.value;
    }

    /** Waits until the expression has a value that is true. */
    async until(expression) {
        for (let tries = 0; tries < this.tries; tries++) {
            const value = await this.evaluate(expression);
            if (value) return value;
            await sleep(25);
        }
        throw new Error(`this did not come true: ${expression}\n${this.complaints.join("\n")}`);
    }

    /** Nothing has been complained about, and nothing is within the next moment. */
    async checkQuiet(what) {
        await sleep(300);
        check(this.complaints.length === 0, `${what}: ${this.complaints.join("\n")}`);
    }

    async load(path) {
        await this.send("Page.navigate", { url: base + path });
        await this.until(`location.href === ${JSON.stringify(base + path)} && document.readyState === "complete"`);
    }

    /** Clicks with the mouse in the middle of an element. */
    async click(element) {
        const [x, y] = await this.evaluate(`(() => {
            const element = ${element};
            element.scrollIntoView({ block: "center", behavior: "instant" });
            const { x, y, width, height } = element.getBoundingClientRect();
            return [x + width / 2, y + height / 2];
        })()`);
        for (const type of ["mousePressed", "mouseReleased"]) {
            await this.send("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 });
        }
    }
}

const JSON_TYPE = "content-type: application/json";
const NO_STORE = "cache-control: no-store";
const BEARER = "www-authenticate: Bearer";
const TOKEN = "[A-Za-z0-9_.-]{20,}";

/** A call as the page shows it: its first line, then the status, the body and some headers of the answer. */
const call = (sent, status, body, headers) => ({ sent, status, body, headers });
const json = (sent, status, body, headers = []) => call(sent, status, body, [JSON_TYPE, NO_STORE, ...headers]);
const word = (body) => call("POST /checkauthtoken", 200, body, ["content-type: text/plain; charset=utf-8", NO_STORE]);
const agent = (token, body) => json(new RegExp(`^GET /CheckToken\\?sessionId=[0-9a-f]{32}${token}&userNo=45186$`), 200, body);
const own = (sent, body) => call(sent, 200, body, [JSON_TYPE]);
const envelope = (status, code, message, field, data) =>
    `{"status":${status},"error":{"code":"${code}","message":"${message}","field":"${field}"},"data":${data}}`;
const good = (data) => envelope(200, "", "", "", data);
const invalid = envelope(401, "40103", "Token is invalid", "", "{}");
/** A body in which each `…` is a token or a number. */
const like = (text) => {
    const parts = text.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return new RegExp(`^${parts.join('[^"{}]+')}$`);
};
const tokens = like(good('{"accessToken":"…","accessTokenExpiry":…,"refreshToken":"…","refreshTokenExpiry":…,"user":'
    + '{"userID":"…","xcUserID":"287","fullname":"Demo User","imageURL":{"thumbnail":"","fullsize":""},"username":"",'
    + '"email":"","phone":""}}'));
const denied = '{"error":"access_denied","error_description":"the credentials are not valid"}';

/** What the contracts say of each call, in the order of the page. */
const CALLS = [
    call("GET /app", 200, "the app", []),

    json("POST /auth", 200, '{"login_id":12,"token":"123456789"}'),
    json("POST /auth", 401, denied, [/^www-authenticate: /]),
    json("POST /auth", 400, '{"error":"invalid_request","error_description":"`auth` is missing"}'),
    own("POST /agent_sync", '{"agents":[{"email":"demo@example.com","id":"1","name":"Demo Agent"}]}'),
    json("POST /agent_sync", 401, denied, [/^www-authenticate: /]),

    own("POST /login/customer", like('{"dlgToken":"…"}')),
    word("Validated"),
    word("InvalidDeviceId"),
    word("InvalidToken"),
    word("BadRequest"),

    own("POST /login/agent", like('{"sessionId":"…","token":"…"}')),
    agent(`&token=${TOKEN}`, '{"success":true,"result":"agent 45186 verified"}'),
    agent("&token=wrong", '{"success":false,"errorMessage":"token not valid","result":"InvalidToken"}'),
    agent("", '{"success":false,"errorMessage":"`token` must be given and not empty","result":"BadRequest"}'),

    json("POST /v1/server/auth_ticket/request", 200, like(good('{"userID":"…","ticket":"…"}'))),
    json("POST /v1/server/auth_ticket/request", 200, envelope(400, "40002", "Param 'xcUserID' is required", "105", "{}")),
    json("POST /v1/server/auth_ticket/request", 200,
        envelope(400, "40001", "Request headers are required (Server-Key)", "", "{}")),

    json("POST /v1/auth/access_token/request", 200, tokens),
    json("POST /v1/auth/access_token/request", 200, invalid),
    json("GET /connect?check=1", 200, good("{}")),
    json("POST /v1/auth/access_token/refresh", 200, tokens),
    json("POST /v1/auth/access_token/refresh", 200, tokens),
    json("POST /v1/client/logout", 200, good("{}")),
    json("GET /connect?check=1", 200, invalid),
    json("POST /v1/auth/access_token/refresh", 200, invalid),
    json("POST /v1/client/project_configs", 200, good('{"core":{},"project":{},"custom":{}}')),

    own("POST /login", like('{"session":"…"}')),
    json("POST /taptalk/auth_ticket", 200, like('{"userID":"…","ticket":"…"}')),
    json("POST /taptalk/auth_ticket", 401,
        '{"error":"invalid_token","error_description":"it is not known who is asking"}', [BEARER]),
];

let passed = 0;

function check(holds, what) {
    assert(holds, what);
    passed += 1;
}

function matches(expected, text) {
    return typeof expected === "string" ? expected === text : expected.test(text);
}

/** A document was served with a policy that allows no inline code. */
function checkPolicy(tab, path) {
    const { headers } = tab.responses.find(({ type, url }) => type === "Document" && url === base + path);
    const policy = headers["content-security-policy"];
    check(policy.startsWith("default-src 'none'; script-src 'self';") && !policy.includes("unsafe"), `${path}: ${policy}`);
}

async function tour(tab) {
    await tab.load("/");
    await tab.until(`document.querySelectorAll(".call").length === ${CALLS.length}`);
    checkPolicy(tab, "/");
    const enabled = await tab.evaluate(`[...document.querySelectorAll(".call button")].filter((one) => !one.disabled).length`);
    check(enabled === 14, `${enabled} calls need no earlier one`);

    for (const [index, expected] of CALLS.entries()) {
        const view = `document.querySelectorAll(".call")[${index}]`;
        const what = `call ${index + 1}, ${expected.sent}`;
        await tab.until(`!${view}.querySelector("button").disabled`);
        const sent = await tab.evaluate(`${view}.querySelector(".sent").textContent`);
        check(matches(expected.sent, sent.split("\n")[0]) && !sent.includes("$"), `${what} is sent: ${sent}`);
        await tab.click(`${view}.querySelector("button")`);
        await tab.until(`!${view}.querySelector(".verdict").hidden`);
        const answered = await tab.evaluate(`${view}.querySelector(".answered").textContent`);
        const [head, body] = [answered.slice(0, answered.indexOf("\n\n")).split("\n"), answered.split("\n\n")[1]];
        check(head[0] === `status ${expected.status}`, `${what}: ${answered}`);
        check(matches(expected.body, body), `${what}: ${answered}`);
        for (const header of expected.headers) {
            check(head.some((line) => matches(header, line)), `${what} lacks ${header}: ${answered}`);
        }
        const verdict = await tab.evaluate(`${view}.querySelector(".verdict").className`);
        check(verdict === "verdict as-said", `${what}: ${verdict}`);
    }
    await tab.checkQuiet("the tour");
}

/** Waits for the answer in the iframe, and returns the iframe's address, its state, and that answer. */
async function framed(tab) {
    const frame = `document.querySelector("iframe")`;
    await tab.until(`${frame}?.contentDocument?.getElementById("answer")?.textContent`);
    const text = (id) => tab.evaluate(`${frame}.contentDocument.getElementById("${id}").textContent`);
    return { address: await tab.evaluate(`${frame}.src`), state: await text("state"), answer: await text("answer") };
}

async function agentCase(tab) {
    // As the vendor's page "How to Use Diyalog Web App in Iframe" has it.
    const address = (userId) => new RegExp("/app/agentchat\\.html#/auth\\?customerId=23373681"
        + `&userId=${userId}&sessionId=([0-9a-f]{32})&userName=Ad%20Soyad&dlgToken=(${TOKEN})&isOutbound=false$`);
    const asked = () => tab.requests.filter(({ url }) => url.startsWith(`${base}/CheckToken?`)).map(({ url }) => url);

    await tab.load("/agent_case");
    const first = await framed(tab);
    checkPolicy(tab, "/agent_case");
    checkPolicy(tab, "/diyalog/app/agentchat.html");
    const [, session, token] = address("45186").exec(first.address) ?? [];
    check(session !== undefined, `the address of the iframe: ${first.address}`);
    const question = `${base}/CheckToken?sessionId=${session}&token=${token}&userNo=45186`;
    check(asked().length === 1 && asked()[0] === question, `this is asked: ${asked()}`);
    check(first.answer === '{"success":true,"result":"agent 45186 verified"}', first.answer);
    check(first.state === "The chat of Ad Soyad with customer 23373681 is open.", first.state);
    const frames = await tab.send("Page.getFrameTree");
    check(frames.frameTree.childFrames.length === 1, "there is one iframe");
    check(!tab.requests.some(({ url }) => url.includes("dlgToken")), "the address of the iframe was sent to a server");

    await tab.click(`document.getElementById("other")`);
    await tab.until(`document.getElementById("address").textContent.includes("userId=45187")`);
    const other = await framed(tab);
    check(address("45187").test(other.address), `the address of the iframe: ${other.address}`);
    const refused = '{"success":false,"errorMessage":"token not valid","result":"InvalidToken"}';
    check(other.answer === refused && other.state === "The chat is not opened.", other.answer);

    await tab.click(`document.getElementById("own")`);
    await tab.until(`document.getElementById("address").textContent.includes("userId=45186")`);
    check((await framed(tab)).state === first.state, "the agent's own token opens the chat again");
    await tab.checkQuiet("the agent case");
}

/** Opens Swagger UI's view of a call, sends a body, and returns the status and the body that it shows. */
async function tried(tab, path, body) {
    const view = `document.querySelector("[data-path='${path}']")?.closest(".opblock")`;
    await tab.until(`Boolean(${view})`);
    if (!await tab.evaluate(`${view}.classList.contains("is-open")`)) {
        await tab.click(`${view}.querySelector(".opblock-summary-control")`);
    }
    await tab.until(`Boolean(${view}.querySelector("textarea.body-param__text"))`);
    // React sees a new value only if it is set as an element's own setter does.
    await tab.evaluate(`(() => {
        const text = ${view}.querySelector("textarea.body-param__text");
        const { set } = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value");
        set.call(text, ${JSON.stringify(body)});
        text.dispatchEvent(new Event("input", { bubbles: true }));
    })()`);
    await tab.until(`${view}.querySelector("textarea.body-param__text").value === ${JSON.stringify(body)}`);
    await tab.click(`${view}.querySelector("button.execute")`);
    const live = (part) => `${view}.querySelector(".live-responses-table .response .response-col_${part}")`;
    const text = `${live("description")}?.querySelector("pre")?.textContent`;
    return { body: await tab.until(text), status: await tab.evaluate(`${live("status")}.textContent`) };
}

/** Swagger UI shows every operation of the document, and tries a call. */
async function docs(tab) {
    await tab.load("/docs");
    await tab.until(`document.querySelectorAll(".opblock").length === 12`);
    checkPolicy(tab, "/docs");
    check(await tab.evaluate(`!document.querySelector(".errors-wrapper")`), "Swagger UI finds no error in the document");

    const login = { method: "POST", body: JSON.stringify({ customerNo: "1234567", deviceId: "123456789aacaaca" }) };
    const { dlgToken } = JSON.parse(await tab.evaluate(
        `fetch("/login/customer", ${JSON.stringify(login)}).then((answer) => answer.text())`));
    const trio = JSON.stringify({ deviceId: "123456789aacaaca", dlgToken, customerNo: "1234567" });
    const good = await tried(tab, "/checkauthtoken", trio);
    check(good.status === "200" && good.body === "Validated", `the demo trio: ${JSON.stringify(good)}`);

    const elsewhere = tab.requests.map(({ url }) => url).filter((url) => !url.startsWith(`${base}/`) && !url.startsWith("data:"));
    check(elsewhere.length === 0, `the page asks elsewhere: ${elsewhere}`);
    // Chromium would like names for the fields of Swagger UI's forms, for filling them in by itself.
    tab.complaints = tab.complaints.filter((complaint) => !complaint.includes("FormEmptyIdAndNameAttributesForInputError"));
    await tab.checkQuiet("the page of all endpoints");
}

/** The page is broken in each of these ways, and that must be noticed. */
async function brokenDocsAreNoticed(browser) {
    const whole = await Tab.open(browser);
    await whole.plant("/page/nothing", 404, "");
    await docs(whole);
    for (const [what, path, status, body] of [
        ["Swagger UI is missing", "/docs/ui/swagger-ui-bundle.js", 404, ""],
        ["its style sheet is missing", "/docs/ui/swagger-ui.css", 404, ""],
        ["the document is missing", "/openapi.json", 404, ""],
        ["the document has no operations", "/openapi.json", 200, '{"openapi":"3.1.0","info":{"title":"t","version":"1"}}'],
        ["the trio is refused", "/checkauthtoken", 200, "InvalidToken"],
    ]) {
        const tab = await Tab.open(browser);
        tab.tries = 80;
        await tab.plant(path, status, body);
        const noticed = await docs(tab).then(() => false, () => true);
        check(noticed, `${what}, and that was not noticed`);
    }
}

/** Each thing that must not happen is made to happen, and must be noticed. */
async function complaintsAreHeard(tab) {
    await tab.load("/agent_case");
    await framed(tab);
    const faults = {
        "a warning": `console.warn("w")`,
        "an exception": `void setTimeout(() => { throw new Error("e"); })`,
        "a missing resource": `fetch("/nothing").then(() => {})`,
        "an inline script": `document.body.append(Object.assign(document.createElement("script"), { text: "1" }))`,
        "an image from elsewhere": `void (new Image().src = "https://elsewhere.example/i.png")`,
    };
    for (const [what, fault] of Object.entries(faults)) {
        tab.complaints.length = 0;
        await tab.evaluate(fault);
        for (let tries = 0; tries < 200 && tab.complaints.length === 0; tries++) await sleep(25);
        check(tab.complaints.length > 0, `${what} was not noticed`);
    }
}

async function main() {
    const profile = mkdtempSync(join(tmpdir(), "browser-"));
    const browser = new Browser(profile);
    try {
        await tour(await Tab.open(browser));
        await agentCase(await Tab.open(browser));
        await docs(await Tab.open(browser));
        await brokenDocsAreNoticed(browser);
        await complaintsAreHeard(await Tab.open(browser));
        console.log(`browser: ${passed} checks passed, 0 failed`);
    } finally {
        await browser.end();
        rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    }
}

main().then(() => process.exit(0), (error) => {
    console.error(error);
    process.exit(1);
});

// Builds the page from `tour.json`, the app's own list of calls, and makes a call for each button.
"use strict";

/** The headers of an answer that a reader of the tour wants to see. */
const TELLING = ["content-type", "cache-control", "www-authenticate", "retry-after"];

/** What earlier answers have given to later calls, by name. */
const kept = new Map();
const updates = [];
const waiting = new Map();
const caller = new Worker("/page/caller.js");
caller.onmessage = ({ data }) => waiting.get(data.id)(data);

function send(call) {
    return new Promise((answered) => {
        const id = waiting.size;
        waiting.set(id, answered);
        caller.postMessage({ ...call, id });
    });
}

function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
}

function names(text) {
    return [...text.matchAll(/\$([A-Z_]+)/g)].map(([, name]) => name);
}

function filled(text) {
    return text.replace(/\$([A-Z_]+)/g, (whole, name) => kept.get(name) ?? whole);
}

/** Whether `text` is like `pattern`, in which each `…` stands for any text. */
function isLike(pattern, text) {
    const parts = pattern.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return new RegExp(`^${parts.join(".+")}$`).test(text);
}

function sent({ method, path, headers, body }) {
    const lines = [`${method} ${path}`, ...headers.map(([name, value]) => `${name}: ${value}`)];
    return (body === "" ? lines : [...lines, "", body]).join("\n");
}

function answered({ status, headers, body, error }) {
    if (error !== undefined) return error;
    const telling = headers.filter(([name]) => TELLING.includes(name));
    return [`status ${status}`, ...telling.map(([name, value]) => `${name}: ${value}`), "", body].join("\n");
}

function callView(call) {
    const needed = new Set(names([call.path, call.body, ...call.headers.flat()].join(" ")));
    const request = () => ({
        method: call.method,
        path: filled(call.path),
        headers: call.headers.map(([name, value]) => [name, filled(value)]),
        body: filled(call.body),
    });
    const button = element("button", { type: "button" }, "Make the call");
    const needs = element("span");
    const requestView = element("pre", { className: "sent" });
    const answerView = element("pre", { className: "answered", hidden: true });
    const verdict = element("p", { className: "verdict", hidden: true });

    const update = () => {
        const missing = [...needed].filter((name) => !kept.has(name));
        button.disabled = missing.length > 0;
        needs.textContent = missing.length > 0 ? ` It needs ${missing.join(" and ")}, which a call above returns.` : "";
        requestView.textContent = sent(request());
    };
    updates.push(update);
    update();

    button.onclick = async () => {
        button.disabled = true;
        verdict.hidden = true;
        const answer = await send(request());
        answerView.textContent = answered(answer);
        answerView.hidden = false;
        const asSaid = answer.status === call.status && isLike(call.answer, answer.body);
        if (asSaid) {
            for (const [name, member] of call.keeps) {
                kept.set(name, answer.body.match(new RegExp(`"${member}":"([^"]*)"`))[1]);
            }
        }
        verdict.textContent = asSaid ? "This is the answer that the tour expects."
            : `The tour expects status ${call.status} and ${call.answer}`;
        verdict.className = asSaid ? "verdict as-said" : "verdict not-as-said";
        verdict.hidden = false;
        updates.forEach((update) => update());
    };
    return element("div", { className: "call" },
        element("p", {}, call.text), requestView, button, needs, answerView, verdict);
}

async function main() {
    const chapters = await (await fetch("/page/tour.json")).json();
    const sections = chapters.map(({ title, text, calls }) =>
        element("section", {}, element("h2", {}, title), element("p", {}, text), ...calls.map(callView)));
    document.getElementById("tour").append(...sections);
}

main();

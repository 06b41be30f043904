/** The coordinator's one page: enqueue a job, watch its log. */

import { randomBytes } from "node:crypto";

/** No script but ours runs on the page, and nothing is loaded or framed. */
export function controlPage(): Response {
  const nonce = randomBytes(16).toString("base64");
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; ` +
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
  return new Response(PAGE.replaceAll("NONCE", nonce), {
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": policy,
      "Cache-Control": "no-store",
    },
  });
}

const PAGE = String.raw`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Embedded coordinator</title>
<style nonce="NONCE">
  body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; margin: 0 auto;
    max-width: 76rem; padding: 1rem; display: grid; gap: 1.5rem; grid-template-columns: 24rem 1fr; }
  h1 { font-size: 1.2rem; grid-column: 1 / -1; margin: 0; }
  h2 { font-size: 1rem; margin: 0 0 .5rem; }
  label { display: block; margin-bottom: .6rem; }
  input, textarea { box-sizing: border-box; width: 100%; font: 13px/1.4 ui-monospace, monospace;
    padding: .3rem; border: 1px solid #999; border-radius: 3px; }
  button { font: inherit; padding: .3rem .9rem; cursor: pointer; }
  #jobs { list-style: none; padding: 0; }
  #jobs button { width: 100%; text-align: left; border: 0; border-bottom: 1px solid #ddd;
    background: none; }
  #jobs button[aria-current=true] { background: #eef3ff; }
  #log { background: #f7f7f7; border: 1px solid #ddd; padding: .6rem; min-height: 20rem;
    overflow-wrap: anywhere; white-space: pre-wrap; font: 13px/1.4 ui-monospace, monospace; }
  #log summary { cursor: pointer; }
  #problem { color: #a00; white-space: pre-wrap; }
  .bold { font-weight: bold; } .c31 { color: #b00020; } .c32 { color: #1a7f37; }
  .c33 { color: #8a6100; } .c34 { color: #0550ae; } .c35 { color: #8250df; } .c36 { color: #0a7285; }
  @media (max-width: 60rem) { body { grid-template-columns: 1fr; } }
</style>
<h1>Embedded coordinator</h1>
<section>
  <h2>New job</h2>
  <form id="form">
    <label>Script <textarea name="script" rows="5">echo hello</textarea></label>
    <label>After script <textarea name="afterScript" rows="2"></textarea></label>
    <label>Image <input name="image" placeholder="alpine:3"></label>
    <label>Variables <textarea name="variables" rows="2" placeholder="KEY=value"></textarea></label>
    <label>Repository <input name="path" placeholder="group/project"></label>
    <label>Branch <input name="ref" placeholder="main"></label>
    <label>Tags <input name="tags" placeholder="docker, linux"></label>
    <button>Enqueue</button> <span id="problem" role="alert"></span>
  </form>
  <h2>Jobs</h2>
  <ul id="jobs"></ul>
</section>
<section>
  <h2><span id="title">Log</span> <button id="cancel" hidden>Cancel</button></h2>
  <div id="log" role="log"></div>
</section>
<script nonce="NONCE">
const byId = (id) => document.getElementById(id);
let shown, following;

byId("form").onsubmit = async (event) => {
  event.preventDefault();
  const field = Object.fromEntries(new FormData(event.target));
  const job = { script: field.script };
  if (field.afterScript) job.afterScript = field.afterScript;
  if (field.image) job.image = field.image;
  if (field.path) job.repository = { path: field.path, ref: field.ref || "main" };
  job.tags = field.tags.split(",").map((tag) => tag.trim()).filter(Boolean);
  job.variables = Object.fromEntries(field.variables.split("\n").filter((line) => line.includes("="))
    .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
  const answer = await post("/jobs", job);
  byId("problem").textContent = answer.message || "";
  if (answer.id) { await list(); show(answer.id); }
};
byId("cancel").onclick = () => post("/jobs/" + shown + "/cancel", {});

const api = (path) => location.pathname.replace(/\/$/, "") + "/api" + path;
const post = async (path, body) => (await fetch(api(path), {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
})).json();

async function list() {
  const jobs = await (await fetch(api("/jobs"))).json();
  byId("jobs").replaceChildren(...jobs.reverse().map((job) => {
    const item = document.createElement("li"), button = document.createElement("button");
    button.textContent = "#" + job.id + " " + job.name + ": " + job.state;
    button.setAttribute("aria-current", job.id === shown);
    button.onclick = () => show(job.id);
    if (job.id === shown) byId("cancel").hidden = Boolean(job.outcome);
    item.append(button);
    return item;
  }));
}

async function show(id) {
  following?.abort();
  following = new AbortController();
  shown = id;
  byId("title").textContent = "Log of job " + id;
  byId("log").replaceChildren();
  const write = logWriter(byId("log"));
  try {
    const answer = await fetch(api("/jobs/" + id + "/log?follow=1"), { signal: following.signal });
    const decoder = new TextDecoder();
    for (const reader = answer.body.getReader();;) {
      const { done, value } = await reader.read();
      if (done) break;
      write(decoder.decode(value, { stream: true }));
    }
  } catch { /* another job is shown now */ }
  list();
}

/** Colours, bold and sections; every other control sequence is left out. */
function logWriter(root) {
  let rest = "", style = "", open = [root];
  return (text) => {
    text = rest + text;
    // What may be the start of a sequence or marker waits for the bytes to come.
    const cut = /(?:\x1b[^a-zA-Z]*|section_[^\r\n]*|\r)$/.exec(text);
    rest = cut ? cut[0] : "";
    text = text.slice(0, text.length - rest.length);
    const token = /section_(start|end):\d+:([\w.-]+)(\[[^\]]*\])?\r\x1b\[0K|\x1b\[([\d;]*)m|\x1b\[[\d;]*[A-Za-z]|\r(?!\n)/g;
    let at = 0;
    for (const found of text.matchAll(token)) {
      put(text.slice(at, found.index));
      at = found.index + found[0].length;
      if (found[1] === "start") fold(found[2], found[3]);
      else if (found[1] === "end" && open.length > 1) open.pop();
      else if (found[4] !== undefined) colour(found[4]);
    }
    put(text.slice(at));
  };
  function put(text) {
    if (text === "") return;
    const top = open.at(-1);
    if (top.untitled) {
      const end = text.indexOf("\n");
      top.untitled.append(span(end < 0 ? text : text.slice(0, end)));
      if (end < 0) return;
      top.untitled = undefined;
      text = text.slice(end + 1);
    }
    top.append(span(text));
  }
  function span(text) {
    const element = document.createElement("span");
    element.className = style;
    element.textContent = text;
    return element;
  }
  function fold(name, options) {
    const section = document.createElement("details"), title = document.createElement("summary");
    section.open = !(options || "").includes("collapsed=true");
    section.append(title);
    section.untitled = title;
    open.at(-1).append(section);
    open.push(section);
  }
  function colour(codes) {
    for (const code of codes.split(";")) {
      if (code === "" || code === "0") style = "";
      else if (code === "1") style += " bold";
      else if (/^3[1-6]$/.test(code)) style = style.replace(/ ?c3\d/, "") + " c" + code;
    }
  }
}

list();
setInterval(list, 2000);
</script>
`;

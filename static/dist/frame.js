(() => {
const box = document.getElementById("frame");
if (!box || window.parent === window) return;
const { base, origins, subject } = box.dataset;
const allowed = origins.split(" ").filter(Boolean);
let around = "", asked = false;
const tell = (what) => { if (around) window.parent.postMessage({ latchkey: what }, around); };
const headers = { "HX-Request": "true" };
const post = (path, body) => fetch(base + path, { method: "POST", body: new URLSearchParams(body), headers, credentials: "same-origin", cache: "no-store" });
function blocked(token) {
box.hidden = false;
box.removeAttribute("hidden");
box.querySelector("input").value = token;
box.querySelector("button").hidden = !token;
box.querySelector("a").hidden = !!token;
tell("blocked");
}
const kept = fetch(base + "/visitor", { credentials: "same-origin", cache: "no-store" }).then((answer) => answer.status !== 403, () => true);
kept.then((ok) => { if (!ok) blocked(""); });
function subjectOf(token) {
try {
const bytes = Uint8Array.from(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
return String(JSON.parse(new TextDecoder().decode(bytes)).sub);
} catch { return ""; }
}
async function introduce(token) {
if (!(await kept)) { blocked(token); return; }
if (!token) {
if (!subject) return;
await post("/forget", {});
location.replace(base);
return;
}
if (subject && subjectOf(token) === subject) return;
const answer = await post("/identity", { token });
if (answer.ok) { location.replace(base); return; }
const line = document.querySelector(".dead h1");
if (line && "needsName" in box.dataset) line.textContent = await answer.text();
console.warn("Latchkey: the signed identity was refused: " + (answer.headers.get("X-Reason") || answer.status));
tell("refused");
}
window.addEventListener("message", (e) => {
if (e.source !== window.parent || !allowed.includes(e.origin)) return;
const said = e.data;
if (!said || typeof said !== "object" || said.latchkey !== "hello") return;
if ("identity" in said && typeof said.identity !== "string") return;
if (asked) return;
asked = true;
around = e.origin;
document.documentElement.classList.toggle("in-bubble", said.bubble === true);
tell("ready");
if (typeof said.identity === "string") introduce(said.identity).catch(() => {});
});
document.addEventListener("click", (e) => { if (e.target.closest?.("[data-frame-close]")) tell("close"); });
document.addEventListener("keydown", (e) => {
if (e.key === "Escape" && !e.defaultPrevented && !document.querySelector("dialog[open], :popover-open")) tell("close");
});
})();
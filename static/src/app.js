// What Latchkey's pages do in the browser beyond htmx. Every listener is on the
// document, so that swapped-in parts need no set-up; every page works without.
(() => {
  const $ = (selector, from = document) => from.querySelector(selector);
  const say = (key) => document.body.dataset[key] || key;

  // Toasts. The server draws them (#toasts > .toast); this one is for what only
  // the browser knows. Text goes in as text.
  function toast(text) {
    const region = $("#toasts");
    if (!region) return;
    const box = document.createElement("div");
    box.className = "toast";
    const words = document.createElement("span");
    words.className = "words";
    words.textContent = text;
    box.append(words);
    region.append(box);
    lift(region);
    setTimeout(() => box.remove(), 4000);
  }
  // A region of toasts must stand above an open dialog, so it goes to the top
  // layer, anew each time.
  function lift(region) {
    if (!region.showPopover) return;
    region.popover = "manual";
    try { if (region.matches(":popover-open")) region.hidePopover(); region.showPopover(); } catch {}
  }
  const timers = new WeakSet();
  new MutationObserver(() => {
    // An answer that empties the dialog is done with it.
    const box = $("#dialog");
    if (box?.open && !box.childElementCount) box.close();
    const region = $("#toasts");
    if (!region) return;
    for (const box of region.children) {
      if (!box.dataset.seconds || timers.has(box)) continue;
      timers.add(box);
      lift(region);
      if (box.dataset.seconds > 0) setTimeout(() => box.remove(), box.dataset.seconds * 1000);
    }
  }).observe(document.documentElement, { childList: true, subtree: true });

  // Taking something back leaves nothing to take back.
  document.addEventListener("htmx:finally:request", (e) => e.detail?.ctx?.sourceElement?.closest(".toast")?.remove());

  // Copying. Where the browser has no clipboard for us (plain HTTP, old iOS)
  // the text is shown selected, and the reader is told so.
  function small(id, title) {
    const make = (tag, name, parent) => {
      const made = document.createElement(tag);
      made.className = name;
      parent.append(made);
      return made;
    };
    const box = make("dialog", "dialog", document.body);
    box.id = id;
    box.dataset.light = "";
    box.setAttribute("aria-label", title);
    const panel = make("div", "panel slim", box);
    make("p", "strong", make("header", "", panel)).textContent = title;
    const body = make("div", "body", panel);
    const close = make("button", "btn", make("footer", "foot", panel));
    close.type = "button";
    close.dataset.variant = "outline";
    close.dataset.close = "";
    close.textContent = say("closeWord");
    box.addEventListener("close", () => box.remove(), { once: true });
    return { box, body, make };
  }
  function byHand(text) {
    const { box, body, make } = small("copy-by-hand", say("byHand"));
    const field = make("textarea", "textarea mono", body);
    field.rows = 3;
    field.readOnly = true;
    field.value = text;
    field.setAttribute("aria-label", say("byHand"));
    box.showModal();
    field.focus();
    field.setSelectionRange(0, text.length);
  }
  function showKeys() {
    const keys = $("#keys");
    if (!keys) return;
    const { box, body } = small("keys-shown", keys.getAttribute("aria-label"));
    body.append(keys.content.cloneNode(true));
    box.showModal();
  }
  function oldCopy(text) {
    const home = $("dialog[open]") || document.body;
    const field = document.createElement("textarea");
    field.value = text;
    field.readOnly = true;
    field.className = "sr-only";
    const focus = document.activeElement;
    home.append(field);
    field.focus();
    field.setSelectionRange(0, text.length);
    let done = false;
    try { done = document.execCommand("copy"); } catch {}
    field.remove();
    focus?.focus?.();
    return done;
  }
  // text may be a promise: Safari wants the clipboard called within the click.
  async function copy(text, button) {
    let done = false;
    if (navigator.clipboard?.write && window.ClipboardItem && text instanceof Promise) {
      try {
        const blob = text.then((t) => new Blob([t], { type: "text/plain" }));
        await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
        done = true;
      } catch {}
    }
    let plain;
    try { plain = await text; } catch (why) { toast(why.message || say("failed")); return; }
    if (!done && navigator.clipboard?.writeText) {
      try { await navigator.clipboard.writeText(plain); done = true; } catch {}
    }
    if (!done) done = oldCopy(plain);
    if (!done) { byHand(plain); return; }
    toast(say("copied"));
    button?.classList.add("done");
    setTimeout(() => button?.classList.remove("done"), 1600);
  }
  // A form with data-reveal asks for its secret and copies the answer; the
  // server logs it. A fresh password may be asked for first.
  async function reveal(address, body) {
    let answer;
    try {
      answer = await fetch(address, {
        method: "POST",
        body,
        headers: { Accept: "text/plain", "HX-Request": "true" },
        credentials: "same-origin",
        cache: "no-store",
      });
    } catch { throw new Error(say("copyOffline")); }
    const away = answer.headers.get("HX-Redirect");
    if (away) { location.href = away; throw new Error(""); }
    if (!answer.ok || !answer.headers.get("Content-Type")?.startsWith("text/plain")) throw new Error(say("copyFailed"));
    return answer.text();
  }
  document.addEventListener("submit", (e) => {
    const form = e.target.closest("form[data-reveal]");
    if (!form) return;
    e.preventDefault();
    copy(reveal(form.action, new URLSearchParams(new FormData(form))), $("button", form));
  });
  // In a list the button's address stands below that of its row's page.
  const pageOf = (button) => new URL($("a[href]", button.closest("tr")).href).pathname;
  document.addEventListener("click", (e) => {
    const button = e.target.closest?.("button[data-reveal]");
    if (button) copy(reveal(pageOf(button) + "/" + (button.dataset.reveal || "reveal")), button);
  });
  document.addEventListener("click", (e) => {
    const button = e.target.closest?.("[data-copy], [data-copy-text]");
    if (!button) return;
    const from = button.dataset.copy && $(button.dataset.copy);
    copy(from ? (from.value ?? from.textContent).trim() : button.dataset.copyText || "", button);
  });

  // Dialogs. What is swapped into #dialog opens it; emptied, it
  // closes; focus goes back to where it was.
  let opener = null;
  const host = () => $("#dialog");
  document.addEventListener("htmx:after:swap", (e) => {
    const box = host();
    const ctx = e.detail?.ctx;
    if (!box || !ctx) return;
    if (ctx.target === box && box.childElementCount && !box.open) {
      opener = ctx.sourceElement;
      box.showModal();
    } else if (!box.open || ctx.target !== box && !box.contains(ctx.target) && !box.contains(ctx.sourceElement)) {
      return;
    }
    ($("[aria-invalid=true]", box) || $("[autofocus]", box) || $(".body input:not([type=hidden]), .body select, .body textarea", box))?.focus();
  });
  document.addEventListener("close", (e) => {
    if (e.target !== host()) return;
    e.target.replaceChildren();
    // This comes late: whoever went on meanwhile keeps the focus.
    if (opener?.isConnected && document.activeElement === document.body) opener.focus();
    opener = null;
  }, true);
  document.addEventListener("click", (e) => {
    const button = e.target.closest?.("a[data-close], button[data-close]");
    const box = button?.closest("dialog");
    if (box) { e.preventDefault(); box.close(); return; }
    const aside = button?.closest(".aside");
    if (aside && button.tagName === "BUTTON") { aside.replaceChildren(); }
  });
  // A press on the veil, not a drag that ends there, closes.
  let pressed = null;
  document.addEventListener("pointerdown", (e) => { pressed = e.target; });
  document.addEventListener("click", (e) => {
    if (e.target === pressed && e.target.matches?.("dialog[data-light]")) e.target.close();
  });
  // Browsers without invoker commands.
  if (!("command" in HTMLButtonElement.prototype)) {
    document.addEventListener("click", (e) => {
      const button = e.target.closest?.("button[commandfor]");
      const box = button && document.getElementById(button.getAttribute("commandfor"));
      if (!box) return;
      const what = button.getAttribute("command");
      if (what === "show-modal") box.showModal();
      if (what === "close") box.close();
    });
  }

  // Menus. A row's menu is fetched into #menu when asked for. Where the browser
  // cannot anchor a popover, it is placed by hand.
  let menuOwner = null;
  const anchors = CSS.supports("position-area: block-end") && CSS.supports("position-anchor: auto");
  function place(menu, by) {
    const edge = by.getBoundingClientRect(), box = menu.getBoundingClientRect();
    const below = edge.bottom + box.height + 8 < innerHeight;
    const left = menu.dataset.side ? edge.left : edge.right - box.width;
    menu.style.left = Math.max(8, Math.min(left, innerWidth - box.width - 8)) + "px";
    menu.style.top = (below ? edge.bottom : Math.max(8, edge.top - box.height - 8)) + "px";
    menu.style.positionArea = "none";
  }
  document.addEventListener("toggle", (e) => {
    const menu = e.target;
    if (!menu.matches?.(".menu")) return;
    const by = menu.id === "menu" ? menuOwner : $(`[popovertarget="${CSS.escape(menu.id)}"]`);
    by?.setAttribute("aria-expanded", String(e.newState === "open"));
    if (e.newState !== "open") { return; }
    if (by && (menu.id === "menu" || !anchors)) place(menu, by);
    $("a, button", menu)?.focus({ preventScroll: true, focusVisible: false });
  }, true);
  document.addEventListener("htmx:after:swap", (e) => {
    const ctx = e.detail?.ctx;
    if (ctx?.target?.id !== "menu" || !ctx.target.childElementCount) return;
    menuOwner = ctx.sourceElement;
    if (ctx.target.matches(":popover-open")) ctx.target.hidePopover();
    ctx.target.showPopover();
  });
  document.addEventListener("click", (e) => {
    const link = e.target.closest?.("[data-menu]");
    if (!link || e.ctrlKey || e.metaKey || e.shiftKey || !window.htmx) return;
    e.preventDefault();
    const from = link.dataset.menu || (link.href ? new URL(link.href).pathname : pageOf(link)) + "/menu";
    htmx.ajax("GET", from, { source: link, target: "#menu", swap: "innerHTML" });
  });
  document.addEventListener("click", (e) => {
    const item = e.target.closest?.(".menu a, .menu button");
    const menu = item?.closest(".menu");
    // After htmx has read the form: hiding empties the menu.
    if (menu) setTimeout(() => menu.matches(":popover-open") && menu.hidePopover());
  });
  document.addEventListener("keydown", (e) => {
    const menu = e.target.closest?.(".menu:popover-open");
    if (!menu || !["ArrowDown", "ArrowUp", "Home", "End"].includes(e.key)) return;
    const items = [...menu.querySelectorAll("a, button")];
    const at = items.indexOf(e.target);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[e.key];
    items.at(next % items.length)?.focus();
    e.preventDefault();
  });

  // Keys: / searches, n creates, ? lists the keys, arrows move in a list.
  // Esc closes dialogs and menus by itself; here it closes the side panel.
  document.addEventListener("keydown", (e) => {
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k" && !e.shiftKey && !e.altKey) {
      const everywhere = $("form[action='/search'] [name=q]");
      if (everywhere && !$("dialog[open]")) { e.preventDefault(); everywhere.offsetParent ? (everywhere.focus(), everywhere.select()) : location.assign("/search"); }
      return;
    }
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
    const typing = e.target.matches?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
    if (e.key === "Escape" && !$("dialog[open], .menu:popover-open")) {
      const shut = $(".aside [data-close]");
      if (shut) { shut.click(); e.preventDefault(); } else if (typing) e.target.blur();
      return;
    }
    if (typing || $("dialog[open]")) return;
    if (e.key === "/") {
      const field = [...document.querySelectorAll("[data-search]")].find((f) => f.offsetParent);
      if (field) { field.focus(); field.select(); e.preventDefault(); }
      else if ($("form[action='/search']")) location.assign("/search");
    } else if (e.key === "n") {
      const link = $("[data-create]");
      if (link) { link.click(); e.preventDefault(); }
    } else if (e.key === "?") {
      showKeys();
    } else if ((e.key === "ArrowDown" || e.key === "ArrowUp") && $("tr[data-row]")) {
      const rows = [...document.querySelectorAll("tr[data-row]")];
      const at = rows.findIndex((r) => r.contains(document.activeElement) || r.classList.contains("chosen"));
      const row = rows[Math.max(0, Math.min(rows.length - 1, at + (e.key === "ArrowDown" ? 1 : -1)))];
      const link = $("a", row);
      link?.focus();
      if ($(".aside:not(:empty)") && row !== rows[at]) link?.click();
      e.preventDefault();
    } else if (e.key === "c") {
      const row = document.activeElement?.closest("tr[data-row]") || $("tr[data-row].chosen");
      const copier = row && $("[data-reveal]", row);
      copier?.tagName === "BUTTON" ? copier.click() : copier?.requestSubmit();
    }
  });

  // Select all, and the count in the bulk bar.
  function countPicked(form) {
    const all = [...form.querySelectorAll(".pick > [name]")];
    const picked = all.filter((box) => box.checked).length;
    const head = $("[data-pick-all]", form);
    if (head) { head.checked = picked > 0 && picked === all.length; head.indeterminate = picked > 0 && picked < all.length; }
    const count = $("[data-picked]", form);
    if (count) count.textContent = String(picked);
  }
  document.addEventListener("change", (e) => {
    const box = e.target;
    const form = box.closest?.("[data-picks]");
    if (!form) return;
    if (box.matches("[data-pick-all]")) for (const one of form.querySelectorAll(".pick > [name]")) one.checked = box.checked;
    if (box.matches(".pick > input")) countPicked(form);
  });
  document.addEventListener("click", (e) => {
    const form = e.target.closest?.("[data-pick-none]")?.closest("[data-picks]");
    if (!form) return;
    for (const one of form.querySelectorAll(".pick > :checked")) one.checked = false;
    countPicked(form);
  });

  // What a column cuts is whole in its title, once the pointer rests on it.
  document.addEventListener("mouseover", (e) => {
    const cut = e.target.closest?.(".two-line > *, .truncate");
    if (cut && !cut.title && cut.scrollWidth > cut.clientWidth) cut.title = cut.textContent.trim();
  });

  // Small manners: show a password, submit a select where there is no htmx,
  // read out a chart's day, show a field that a choice switches on.
  document.addEventListener("click", (e) => {
    const button = e.target.closest?.("[data-show-password]");
    const field = button && $("input", button.parentElement);
    if (!field) return;
    field.type = field.type === "password" ? "text" : "password";
    button.setAttribute("aria-pressed", String(field.type === "text"));
  });
  document.addEventListener("pointerover", (e) => readOut(e.target));
  document.addEventListener("focusin", (e) => readOut(e.target));
  function readOut(from) {
    const day = from.closest?.("[data-readout]");
    if (!day || day.classList.contains("chosen")) return;
    const chart = day.closest(".chart-box");
    $(".chosen", chart)?.classList.remove("chosen");
    day.classList.add("chosen");
    day.dataset.readout.split("|").forEach((text, i) => {
      const slot = $(`[data-slot="${i}"]`, chart);
      if (slot) slot.textContent = text;
    });
  }
  // Dragging over the days of a chart makes them the span of the page's form: the
  // totals, the table and the CSV follow.
  let drag = null;
  const span = () => {
    const days = [...drag.from.parentNode.querySelectorAll("[data-day]")];
    const [first, last] = [days.indexOf(drag.from), days.indexOf(drag.to)].sort((a, b) => a - b);
    return { days, picked: days.slice(first, last + 1) };
  };
  const letGo = () => {
    if (drag) for (const day of span().days) day.classList.remove("picked");
    drag = null;
  };
  document.addEventListener("pointerdown", (e) => {
    const day = e.target.closest?.("[data-day]");
    if (!day || e.button || e.pointerType === "touch") return;
    e.preventDefault();
    drag = { from: day, to: day };
  });
  document.addEventListener("pointermove", (e) => {
    const day = drag && e.target.closest?.("[data-day]");
    if (!day || day.parentNode !== drag.from.parentNode) return;
    drag.to = day;
    const { days, picked } = span();
    for (const one of days) one.classList.toggle("picked", picked.length > 1 && picked.includes(one));
  });
  document.addEventListener("pointerup", () => {
    if (!drag) return;
    const { picked } = span();
    const from = $('input[type="date"][name="from"]');
    letGo();
    if (picked.length < 2 || !from) return;
    from.value = picked[0].dataset.day;
    $('[name="to"]', from.form).value = picked.at(-1).dataset.day;
    from.form.requestSubmit();
  });
  document.addEventListener("pointercancel", letGo);
  document.addEventListener("keydown", (e) => { if (e.key === "Escape") letGo(); });
  // The tab in use stands in view where not all of them have room.
  function showTab() {
    for (const tab of document.querySelectorAll(".tabs > [aria-current]")) {
      const tabs = tab.parentElement;
      tabs.scrollLeft = tab.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
    }
  }
  // The buttons of rows exist only with script, so it names them here and not the
  // server fifty times.
  function nameButtons() {
    for (const button of document.querySelectorAll("button:is(.drawn-copy, .drawn-more):not([title])")) {
      button.title = say(button.matches(".drawn-copy") ? "copyWord" : "moreWord");
    }
  }
  document.addEventListener("htmx:after:swap", nameButtons);
  document.addEventListener("DOMContentLoaded", () => {
    showTab();
    nameButtons();
    for (const form of document.querySelectorAll("[data-picks]")) countPicked(form);
    for (const field of document.querySelectorAll("[data-select-all]")) field.select();
  });

  // What htmx could not do is said, never silent. A fault that is not ours to
  // draw (a proxy's page) must not land in the middle of a list.
  document.addEventListener("htmx:before:swap", (e) => {
    const ctx = e.detail?.ctx;
    if (!(ctx?.response?.status >= 500) || ctx.hx?.retarget) return;
    e.preventDefault();
    toast(say("failed"));
  });
  document.addEventListener("htmx:error", (e) => {
    if (e.detail?.error?.name === "AbortError") return;
    toast(say("offline"));
  });
})();

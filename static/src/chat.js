// The customer's chat. Every page works without this script, only later: a form
// leads to a page that comes again until the answer is there. With it, questions
// are sent in place and answers are followed as they come. Whatever is put into
// the page as markup was made safe by the server.
(() => {
  const $ = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const talk = $("#talk");
  if (!talk) return;
  const scroll = $("#main"), thread = $("#thread");
  const form = () => $("[data-composer]");
  const field = () => $("#question");

  // The thread stays at its end while its reader is there.
  let pinned = true;
  const atEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 48;
  const toEnd = () => { scroll.scrollTop = scroll.scrollHeight; };
  scroll.addEventListener("scroll", () => { pinned = atEnd(); }, { passive: true });
  const settle = () => { if (pinned) toEnd(); };

  // Phones: the page is as high as what the keyboard leaves of the screen.
  const view = window.visualViewport;
  const coarse = matchMedia("(pointer: coarse)");
  function fit() {
    if (view.scale > 1.01) return;
    const root = document.documentElement;
    root.style.setProperty("--view", Math.round(view.height) + "px");
    root.classList.toggle("keyboard", coarse.matches && document.activeElement === field() && view.height < 600);
    if (view.offsetTop > 0) scrollTo(0, 0);
    settle();
  }
  if (view) {
    for (const what of ["resize", "scroll"]) view.addEventListener(what, fit);
    document.addEventListener("focusin", fit);
    document.addEventListener("focusout", () => setTimeout(fit, 100));
    fit();
  }

  // The field grows with its text where the browser does not do it.
  function grow() {
    const text = field();
    if (!text || CSS.supports("field-sizing", "content")) return;
    text.style.height = "auto";
    text.style.height = text.scrollHeight + "px";
  }
  document.addEventListener("input", (e) => { if (e.target === field()) { grow(); settle(); } });
  document.addEventListener("keydown", (e) => {
    if (e.target !== field() || e.key !== "Enter" || e.shiftKey || e.isComposing || e.keyCode === 229 || coarse.matches) return;
    e.preventDefault();
    if (!form().classList.contains("busy")) form().requestSubmit($(".send", form()));
  });

  const offline = (text) => {
    const box = $("#offline");
    box.textContent = text || "";
    box.hidden = !text;
    settle();
  };

  function fragment(html) {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    return holder.content;
  }
  // Code blocks get their copy button here: without script it would do nothing.
  function dress(node) {
    for (const head of all(".code > header:not(:has(button))", node)) head.append($("#copy-code").content.cloneNode(true));
    return node;
  }
  document.addEventListener("click", (e) => {
    const button = e.target.closest?.("[data-copy-code], [data-copy-answer]");
    if (!button) return;
    if (button.matches("[data-copy-code]")) {
      button.dataset.copyText = $("pre", button.closest(".code")).textContent;
      return;
    }
    const copy = $(".prose", button.closest(".said")).cloneNode(true);
    for (const head of all(".code > header", copy)) head.remove();
    copy.className = "prose sr-only";
    document.body.append(copy);
    button.dataset.copyText = copy.innerText.trim();
    copy.remove();
  }, true);

  // Following an answer.
  let source = null, retry = 0;
  function follow(prose) {
    const turn = prose.closest("[data-turn]");
    let have = Number(prose.dataset.from) || 0, over = false, drawn = "";
    // A piece says how much stays of the block that grows, at its beginning and at
    // its end, and what stands between.
    const piece = (data) => {
      const [head, before, after] = /^(\d+) (\d+) /.exec(data);
      return drawn.slice(0, Number(before)) + data.slice(head.length) + drawn.slice(drawn.length - Number(after));
    };
    form()?.classList.add("busy");
    const open = () => $(".open", prose);
    function connect() {
      source?.close();
      drawn = "";
      source = new EventSource(prose.dataset.follow + "?from=" + have);
      source.addEventListener("open", () => { retry = 0; offline(""); });
      source.addEventListener("block", (e) => {
        const block = piece(e.data);
        drawn = "";
        if (e.lastEventId && Number(e.lastEventId) <= have) return;
        have = Number(e.lastEventId) || have + 1;
        open().before(dress(fragment(block)));
        open().replaceChildren();
        settle();
      });
      source.addEventListener("message", (e) => {
        drawn = piece(e.data);
        const caret = document.createElement("span");
        caret.className = "caret";
        open().replaceChildren(dress(fragment(drawn.trimEnd())), caret);
        settle();
      });
      source.addEventListener("end", (e) => {
        over = true;
        source.close();
        source = null;
        end(turn, prose, JSON.parse(e.data));
      });
      source.addEventListener("error", () => {
        if (over) return;
        offline(talk.dataset.lost);
        // The browser tries again by itself, unless it was answered and refused.
        if (source?.readyState === EventSource.CLOSED) {
          source = null;
          retry = Math.min(retry + 1, 6);
          setTimeout(() => { if (!over && prose.isConnected) probe(connect); }, 500 * 2 ** retry);
        }
      });
    }
    connect();
  }
  // A stream that is refused may have a reason that only the page can say.
  async function probe(connect) {
    try {
      const answer = await fetch(talk.dataset.base + "/history", { headers: { "HX-Request": "true" }, cache: "no-store" });
      if (!answer.ok || answer.headers.get("HX-Redirect")) { location.reload(); return; }
    } catch {}
    connect();
  }
  function end(turn, prose, e) {
    offline("");
    $(".open", prose)?.remove();
    prose.removeAttribute("data-follow");
    prose.removeAttribute("aria-busy");
    if (e.dead) { location.reload(); return; }
    $(".under", turn).replaceChildren(fragment(e.foot));
    window.htmx?.process($(".under", turn));
    if (e.edit && !$(".edit", turn)) editable(turn, e.edit);
    $("#left").textContent = e.left;
    $("#allowance").replaceChildren(fragment(e.allowance));
    form()?.classList.remove("busy");
    if (e.composer) {
      $("#composer").replaceWith(fragment(e.composer));
      $(".suggested", thread)?.remove();
    }
    settle();
  }
  function editable(turn, href) {
    const pattern = $("#edit-question");
    if (!pattern) return;
    const link = pattern.content.firstElementChild.cloneNode(true);
    link.href = href;
    link.dataset.edit = turn.dataset.turn;
    $(".question", turn).prepend(link);
  }

  // Asking, and asking again.
  async function ask(from, submitter) {
    const data = new FormData(from, submitter);
    const main = from.matches("[data-composer]");
    if (main && !String(data.get("question")).trim()) { field().focus(); return; }
    if (form()?.classList.contains("busy")) return;
    const composer = form();
    composer?.classList.add("busy");
    let answer, html;
    try {
      answer = await fetch(from.action, {
        method: "POST", body: new URLSearchParams(data), credentials: "same-origin", cache: "no-store",
        headers: { "HX-Request": "true", "HX-Request-Type": "partial", "HX-Current-URL": location.href },
      });
      html = await answer.text();
    } catch {
      composer?.classList.remove("busy");
      offline(talk.dataset.lost);
      return;
    }
    offline("");
    const away = answer.headers.get("HX-Redirect");
    if (away) { location.href = away; return; }
    if (answer.headers.get("X-Dead")) { location.reload(); return; }
    if (!answer.ok) {
      composer?.classList.remove("busy");
      $("#toasts").append(fragment(html));
      return;
    }
    if (main) { field().value = ""; grow(); leaveEdit(); }
    take(fragment(html).firstElementChild);
  }
  function take(asked) {
    const d = asked.dataset;
    if (d.replaces) {
      const old = $("#t" + CSS.escape(d.replaces), thread);
      for (let node = old; node;) { const next = node.nextElementSibling; node.remove(); node = next; }
    }
    for (const gone of all(".turn .edit, .turn [data-ask]", thread)) gone.remove();
    const suggested = $(".suggested", thread);
    if (suggested) {
      suggested.action = d.ask;
      suggested.elements.key.value = d.key + "-s";
    }
    const turn = $(".turn", asked);
    for (const part of all("template[data-for]", asked)) $("#" + part.dataset.for).replaceChildren(part.content);
    if (window.htmx) { htmx.process($("#talks")); htmx.process($("#named")); }
    if (talk.dataset.conversation !== d.conversation) {
      talk.dataset.conversation = d.conversation;
      history.pushState({ talk: d.conversation }, "", d.href);
    }
    document.title = d.title;
    const composer = form();
    if (composer) {
      composer.action = d.ask;
      composer.elements.key.value = d.key;
      composer.elements.question.placeholder = d.placeholder;
      $("[data-stop]", composer).formAction = d.stop;
    }
    const known = $("#" + CSS.escape(turn.id), thread);
    if (known) known.replaceWith(dress(turn)); else thread.append(dress(turn));
    window.htmx?.process(turn);
    pinned = true;
    toEnd();
    const prose = $("[data-follow]", turn);
    if (prose) follow(prose); else composer?.classList.remove("busy");
  }
  document.addEventListener("submit", (e) => {
    if (e.defaultPrevented || !e.target.matches("[data-ask]")) return;
    e.preventDefault();
    if (e.submitter?.matches("[data-stop]")) { stop(e.submitter); return; }
    ask(e.target, e.submitter);
  });
  async function stop(button) {
    button.disabled = true;
    try {
      await fetch(button.formAction, { method: "POST", headers: { "HX-Request": "true" }, credentials: "same-origin" });
    } catch { offline(talk.dataset.lost); }
    button.disabled = false;
  }
  // A pending answer that nobody follows ends with the page's next visit.
  addEventListener("popstate", () => location.reload());

  // Editing the last question.
  function leaveEdit() {
    const composer = form();
    if (!composer) return;
    composer.elements.replaces.value = "";
    $(".editing", composer).hidden = true;
  }
  document.addEventListener("click", (e) => {
    const link = e.target.closest?.("[data-edit], [data-edit-cancel]");
    const composer = form();
    if (!link || !composer || e.ctrlKey || e.metaKey) return;
    e.preventDefault();
    if (link.matches("[data-edit-cancel]")) {
      leaveEdit();
      field().value = "";
    } else {
      composer.elements.replaces.value = link.dataset.edit;
      $(".editing", composer).hidden = false;
      field().value = $(".bubble", link.closest(".turn")).textContent;
    }
    grow();
    field().focus();
  });

  // The list of conversations: folded on a desktop, over the thread on a phone.
  const remember = (folded) => { try { localStorage.setItem("history", folded ? "folded" : ""); } catch {} };
  try { talk.classList.toggle("folded", localStorage.getItem("history") === "folded"); } catch {}
  document.addEventListener("click", (e) => {
    if (!e.target.closest?.("[data-fold]")) return;
    remember(talk.classList.toggle("folded"));
  });

  // Away and back: what was said meanwhile on another device is fetched.
  let left = 0;
  document.addEventListener("visibilitychange", async () => {
    if (document.hidden) { left = Date.now(); return; }
    if (!talk.dataset.conversation || source || Date.now() - left < 3000 || field()?.value) return;
    try {
      const answer = await fetch(location.href, { cache: "no-store", credentials: "same-origin" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = $("#thread", page);
      if (!now || answer.redirected) return;
      const last = (from) => all("[data-turn]", from).at(-1)?.id;
      if (last(now) === last(thread) && !$("[data-follow]", now)) return;
      thread.replaceChildren(...dress(now).childNodes);
      window.htmx?.process(thread);
      start();
    } catch {}
  });
  addEventListener("online", () => offline(""));
  addEventListener("offline", () => offline(talk.dataset.lost));

  function start() {
    dress(thread);
    grow();
    if (thread.children.length > 1) toEnd();
    const prose = $("[data-follow]", thread);
    if (prose) follow(prose);
  }
  start();
  if (!coarse.matches) field()?.focus({ preventScroll: true });
})();

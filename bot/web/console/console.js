// A page that follows. The element with `data-follow` opens one event stream, and each event renews the part that bears
// its name. The event `end` renews all of them, and nothing follows any more; nor after `gone`, which says why.
(() => {
  const SHORTEST_MS = 1_000;
  const LONGEST_MS = 30_000;
  // A process that is started anew is away for as long as two tries take.
  const SILENT_FAILURES = 3;
  const here = location.pathname + location.search;

  const shown = new WeakMap();

  // What somebody is writing or has ticked stays, though the card around it is another, unless the words beside it are
  // others now. The focus stays on what has the same id, with what is selected in it, or on the same link.
  const words = (field) => field.labels?.[0]?.textContent;
  const isPick = ({ type }) => type === "checkbox" || type === "radio";
  const put = (part, html) => {
    if (shown.get(part) === html) return;
    shown.set(part, html);
    const before = [...part.querySelectorAll("textarea[id], input[id], select[id]")];
    const { id, selectionStart, selectionEnd } = part.querySelector(":focus") ?? {};
    const link = part.querySelector("a:focus")?.getAttribute("href");
    const unfolded = [...part.querySelectorAll("details[id][open]")].map(({ id }) => id);
    const labels = new Map(before.map((field) => [field, words(field)]));
    part.innerHTML = html;
    for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
    for (const old of before) {
      const field = document.getElementById(old.id);
      if (!field || words(field) !== labels.get(old)) continue;
      if (isPick(field)) field.checked = old.checked;
      else if (old.value) field.value = old.value;
    }
    restore(part);
    const again = id ? document.getElementById(id) : link && part.querySelector(`a[href="${CSS.escape(link)}"]`);
    again?.focus({ preventScroll: true });
    // What is no text has no selection: it is null there.
    if (again && selectionStart !== undefined && selectionStart !== null) again.setSelectionRange(selectionStart, selectionEnd);
  };

  // The part that is asked for on its own, once the page is there and again when what it follows has ended.
  const load = async (part) => {
    const answer = await fetch(part.dataset.from).catch(() => ({}));
    if (answer.ok) put(part, await answer.text());
  };

  // A story only grows. Rows that stand there stay, and with them what is selected or has the focus; and a screen reader
  // reads only what is new.
  const renew = (part, fresh) => {
    const list = part.querySelector(".story");
    const rows = [...fresh.querySelectorAll(".story > li")];
    if (!list || !rows.length) return put(part, fresh.innerHTML);
    const known = new Map([...list.children].map((row) => [row.dataset.key, row]));
    for (const row of rows) {
      const old = known.get(row.dataset.key);
      if (!old) list.append(row);
      else if (old.textContent !== row.textContent) {
        // Steps that are folded together become more; who has unfolded them goes on reading.
        if (old.querySelector("details")?.open) row.querySelector("details")?.setAttribute("open", "");
        old.replaceWith(row);
      }
      known.delete(row.dataset.key);
    }
  };

  const parsed = (html) => new DOMParser().parseFromString(html, "text/html").body;

  const notice = document.getElementById("notice");
  const say = (html) => {
    if (notice.innerHTML !== html) notice.innerHTML = html;
    // Whoever logs in again comes back to this page.
    notice.querySelector('a[href="/login"]')?.setAttribute("href", `/login?next=${encodeURIComponent(here)}`);
  };

  // What is sent while nobody answers would leave a browser's own page of an error in place of this one, and of what was
  // typed. So where that may be, the server is asked first; until it answers the page stays, and says so by the button.
  const AWAY = [502, 503, 504], WITHIN_MS = 10_000;
  let isCut = false, asks = false, passes = false;
  const mayBeAway = (form) =>
    isCut || !navigator.onLine || (form.matches(".answer") && !document.querySelector("[data-follow]"));
  const isAway = async () => {
    const asked = { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(WITHIN_MS) };
    const { status } = await fetch("/", asked).catch(() => ({}));
    return !status || AWAY.includes(status);
  };
  const unsent = (form, button) => {
    const told = document.createElement("p");
    told.className = "told not unsent";
    told.setAttribute("role", "alert");
    told.textContent = notice.dataset.unsent;
    (button?.closest(".row") ?? form).prepend(told);
  };
  document.addEventListener("submit", async (event) => {
    const { target, submitter } = event;
    if (passes || target.method !== "post" || !mayBeAway(target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (asks) return;
    asks = true;
    for (const told of document.querySelectorAll(".unsent")) told.remove();
    const mustWait = await isAway();
    asks = false;
    // Meanwhile the part around it may have been renewed: of what is another revision nothing is sent.
    const button = submitter?.isConnected === false ? document.getElementById(submitter.id) : submitter;
    const form = target.isConnected ? target : button?.form;
    if (!form) return;
    if (mustWait) return unsent(form, button);
    passes = true;
    form.requestSubmit(button);
    passes = false;
  }, true);

  // A screen reader speaks what comes into a region that is there already, not what a page begins with.
  const toast = document.getElementById("toast");
  if (toast.textContent.trim()) {
    const told = [...toast.childNodes];
    toast.replaceChildren();
    setTimeout(() => toast.replaceChildren(...told), 50);
  }

  // What somebody types is kept in this browser until it was sent, so that it outlives a session that ends meanwhile.
  // It is theirs alone, comes back on the same page, and is forgotten when they log out.
  const DRAFT = "sayso draft ", SENT = "sayso sent", DAY_MS = 86_400_000;
  const FIELDS = 'main textarea[id], main .answer input[id]:not([type="radio"], [type="checkbox"])';
  const me = document.body.dataset.me;
  // A browser may forbid to keep anything.
  const box = (() => { try { return localStorage; } catch { return null; } })();
  const nameOf = ({ id }) => `${DRAFT}${me} ${location.pathname} ${id}`;
  const isDraft = (field) => box && me && field.matches?.(FIELDS);
  const read = (name) => JSON.parse(box.getItem(name) ?? "null");
  const restore = (whole) => {
    for (const field of whole.querySelectorAll(FIELDS)) {
      const kept = isDraft(field) && !field.value && read(nameOf(field));
      if (kept) field.value = kept.text;
    }
  };
  const keepDrafts = () => {
    const drafts = () => Object.keys(box).filter((name) => name.startsWith(DRAFT));
    document.addEventListener("input", ({ target }) => {
      if (!isDraft(target)) return;
      if (target.value) box.setItem(nameOf(target), JSON.stringify({ text: target.value, at: Date.now() }));
      else box.removeItem(nameOf(target));
    });
    document.addEventListener("submit", ({ target }) => {
      if ("forgets" in target.dataset) drafts().forEach((name) => box.removeItem(name));
      sessionStorage.setItem(SENT, JSON.stringify([...target.elements].filter(isDraft).map(nameOf)));
    });
    // The page after a form says whether it was taken.
    const sent = "refused" in document.body.dataset ? [] : JSON.parse(sessionStorage.getItem(SENT) ?? "[]");
    sessionStorage.removeItem(SENT);
    for (const name of drafts()) if (sent.includes(name) || Date.now() - read(name).at > DAY_MS) box.removeItem(name);
    restore(document);
  };
  if (box) keepDrafts();

  // What the page has, as the last event was marked: how many events of the run, and which card.
  const address = (whole, mark) => {
    const url = new URL(whole.dataset.follow, location.href);
    const [seq, card = ""] = mark.split(" ");
    if (seq) { url.searchParams.set("seq", seq); url.searchParams.set("card", card); }
    return url;
  };

  // Only while somebody can see it: a browser has no more than six connections to a server for all its tabs (HTTP/1.1).
  const follow = (whole) => {
    const parts = [...document.querySelectorAll("[data-part]")];
    let source, later, mark = "", failed = 0, isOver = false;

    const stop = () => { source?.close(); clearTimeout(later); };
    const end = () => { isOver = true; stop(); };
    // An event source does not say why it fails.
    const explain = async () => {
      const { status } = await fetch(address(whole, mark), { method: "HEAD" }).catch(() => ({}));
      if (failed < SILENT_FAILURES) return;
      if (status === 401) end();
      say(status === 401 ? notice.dataset.gone : notice.dataset.away);
    };
    const fail = () => {
      failed += 1;
      isCut = true;
      if (failed >= SILENT_FAILURES) explain();
      // The browser itself tries again after a cut, but not after an answer such as 503.
      if (source.readyState !== EventSource.CLOSED) return;
      later = setTimeout(start, Math.min(SHORTEST_MS * 2 ** (failed - 1), LONGEST_MS) * (1 + Math.random()));
    };
    const on = (name, heard) => source.addEventListener(name, (event) => {
      mark = event.lastEventId || mark;
      heard(parsed(event.data));
    });
    const start = () => {
      stop();
      if (isOver || document.hidden || !whole.isConnected) return;
      source = new EventSource(address(whole, mark));
      source.onopen = () => { failed = 0; isCut = false; say(""); };
      source.onerror = fail;
      for (const part of parts) on(part.dataset.part, (fresh) => renew(part, fresh));
      on("gone", (fresh) => { end(); say(fresh.innerHTML); });
      on("end", (fresh) => { end(); finish(parts, fresh); });
    };

    document.addEventListener("visibilitychange", () => { isCut ||= !document.hidden && !isOver; start(); });
    start();
  };

  const finish = (parts, fresh) => {
    for (const part of parts) {
      const found = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
      if (part.dataset.from) load(part);
      else if (found) renew(part, found);
    }
  };

  for (const part of document.querySelectorAll("[data-from]")) load(part);
  for (const whole of document.querySelectorAll("[data-follow]")) follow(whole);

  // An open menu closes by Escape, and when something else is pressed.
  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(except)) menu.open = false;
  };
  document.addEventListener("click", (event) => closeMenus(event.target));
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest?.("details.menu[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });

  // The list of what waits, by keys. None of them decides: they lead to a page that asks.
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const linkOf = (row) => row?.querySelector("a");
  const row = () => document.activeElement?.closest?.("[data-row]");
  const go = (by) => {
    const all = rows(), at = all.indexOf(row());
    linkOf(all[Math.max(0, Math.min(all.length - 1, at + by))])?.focus();
  };
  const idOf = (one) => linkOf(one)?.getAttribute("href").split("/").pop();
  const KEYS = {
    j: () => go(1),
    k: () => go(-1),
    a: () => { if (row()) location.assign(`/requests/${idOf(row())}?press=approve`); },
    d: () => { if (row()?.querySelector("input")) location.assign(`/requests/deny?pick=${idOf(row())}`); },
    x: () => row()?.querySelector("input")?.click(),
    "/": () => document.getElementById("q")?.focus(),
  };
  const isTyping = ({ tagName, type }) => /^(TEXTAREA|SELECT)$/.test(tagName) || (tagName === "INPUT" && type !== "checkbox");
  document.addEventListener("keydown", (event) => {
    const does = KEYS[event.key];
    if (!does || !rows().length || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    event.preventDefault();
    does();
  });

  // "in 3 h 40 min" goes on being true while somebody reads; as times.py words it.
  const MINUTE_MS = 60_000;
  const TIMES = JSON.parse(document.body.dataset.times);
  const timed = (name, value) => TIMES[name].replace("{}", value);
  const length = (ms) => {
    const [days, hours, minutes] = [Math.floor(ms / 86_400_000), Math.floor(ms / 3_600_000) % 24, Math.floor(ms / MINUTE_MS) % 60];
    const units = { days, hours: days < 7 ? hours : 0, minutes: days ? 0 : minutes };
    return Object.keys(units).filter((unit) => units[unit]).map((unit) => timed(unit, units[unit])).join(" ") || TIMES.none;
  };
  setInterval(() => {
    for (const one of document.querySelectorAll("[data-left]")) {
      const ms = new Date(one.dataset.left) - Date.now();
      one.textContent = ms > 0 ? timed("left", length(ms)) : TIMES.over;
    }
  }, MINUTE_MS / 2);
})();

// A page that follows. The element with `data-follow` opens one event stream, and each event renews the part that bears
// its name. The event `end` renews all of them, and nothing follows any more.
(() => {
  const LONGEST_MS = 30_000;

  const shown = new WeakMap();

  // What somebody is writing stays, though the card around it is another; and the focus stays on the same link.
  const put = (part, html) => {
    if (shown.get(part) === html) return;
    shown.set(part, html);
    const written = [...part.querySelectorAll("textarea[id], input[id]")].map(({ id, value }) => [id, value]);
    const link = part.querySelector("a:focus")?.getAttribute("href");
    htmx.swap(part, html, { swapStyle: "innerHTML" });
    for (const [id, value] of written) {
      const field = document.getElementById(id);
      if (field && value) field.value = value;
    }
    if (link) part.querySelector(`a[href="${CSS.escape(link)}"]`)?.focus({ preventScroll: true });
  };

  // A story only grows. Rows that stand there stay, and with them what is selected or has the focus; and a screen reader
  // reads only what is new.
  const renew = (part, fresh) => {
    const list = part.querySelector(".story");
    const rows = fresh.querySelectorAll(".story > li");
    if (list && rows.length) list.append(...[...rows].slice(list.children.length));
    else put(part, fresh.innerHTML);
  };

  const parsed = (html) => new DOMParser().parseFromString(html, "text/html").body;

  const follow = (whole, waitMs = 1_000) => {
    const source = new EventSource(whole.dataset.follow);
    const parts = [...whole.querySelectorAll("[data-part]")];
    source.onopen = () => { waitMs = 1_000; };
    source.onerror = () => {
      // The browser itself tries again after a cut, but not after an answer such as 503.
      if (source.readyState !== EventSource.CLOSED || !whole.isConnected) return;
      setTimeout(follow, waitMs * (1 + Math.random()), whole, Math.min(2 * waitMs, LONGEST_MS));
    };
    for (const part of parts) {
      source.addEventListener(part.dataset.part, (event) => renew(part, parsed(event.data)));
    }
    source.addEventListener("end", (event) => {
      source.close();
      const fresh = parsed(event.data);
      for (const part of parts) {
        if (part.dataset.part === "live") htmx.trigger(part, "ended"); // it is asked for once more
        else renew(part, fresh.querySelector(`[data-part="${part.dataset.part}"]`));
      }
    });
  };

  for (const whole of document.querySelectorAll("[data-follow]")) follow(whole);
})();

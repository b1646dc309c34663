// A page that follows. The element with `data-follow` opens one event stream, and each event replaces the content of
// the part that bears its name; the event `end` takes the place of the whole element, and nothing follows any more.
(() => {
  const LONGEST_MS = 30_000;

  const follow = (whole, waitMs = 1_000) => {
    const source = new EventSource(whole.dataset.follow);
    source.onopen = () => { waitMs = 1_000; };
    source.onerror = () => {
      // The browser itself tries again after a cut, but not after an answer such as 503.
      if (source.readyState !== EventSource.CLOSED || !whole.isConnected) return;
      setTimeout(follow, waitMs * (1 + Math.random()), whole, Math.min(2 * waitMs, LONGEST_MS));
    };
    for (const part of whole.querySelectorAll("[data-part]")) {
      source.addEventListener(part.dataset.part, (event) => htmx.swap(part, event.data, { swapStyle: "innerHTML" }));
    }
    source.addEventListener("end", (event) => {
      source.close();
      htmx.swap(whole, event.data, { swapStyle: "outerHTML" });
    });
  };

  for (const whole of document.querySelectorAll("[data-follow]")) follow(whole);
})();

// What the page shows now, and who is told when it changes.
//
// Views of the first kind are told at once (the bars, which follow every stroke); those of the second once for each
// frame of the screen, however often something has changed meanwhile.

export function makeStore(state) {
  const atOnce = new Set(), eachFrame = new Set();
  let waiting = false;
  const store = {
    state,
    change(changes) {
      Object.assign(state, changes);
      for (const view of atOnce) view(state);
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        for (const view of eachFrame) view(state);
      });
    },
    followAtOnce: (view) => (atOnce.add(view), view(state)),
    follow: (view) => (eachFrame.add(view), view(state)),
    forgetViews: () => (atOnce.clear(), eachFrame.clear()),
  };
  return store;
}

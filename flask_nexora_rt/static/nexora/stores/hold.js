// Holding a channel together with others: who leaves takes along what is its own, and no more.

/** Subscribes and binds `handlers` ({event: function}) and `onState`; `release()` undoes exactly that. */
export function hold(rt, name, handlers, { onState = () => {}, lastEventId } = {}) {
  const channel = rt.subscribe(name, { lastEventId });
  // Functions of our own: `unbind` forgets every binding of a function, also somebody else's.
  const own = Object.entries(handlers).map(([event, handler]) => [event, (data, metadata) => handler(data, metadata)]);
  const follow = () => onState();
  for (const [event, handler] of own) channel.bind(event, handler);
  rt.connection.bind("state_change", follow);
  const release = () => {
    for (const [event, handler] of own) channel.unbind(event, handler);
    rt.connection.unbind("state_change", follow);
    rt.unsubscribe(name);
  };
  return { channel, release };
}

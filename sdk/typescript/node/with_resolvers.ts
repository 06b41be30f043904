/** What Node before 22 lacks; loaded before everything else. */

Promise.withResolvers ??= function withResolvers<T>() {
  let settle: Pick<PromiseWithResolvers<T>, "resolve" | "reject"> | undefined;
  const promise = new Promise<T>((resolve, reject) => (settle = { resolve, reject }));
  if (settle === undefined) throw new Error("A promise calls back at once");
  return { promise, ...settle };
};

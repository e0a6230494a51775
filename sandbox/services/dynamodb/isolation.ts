/** Lets calls run side by side, and a transaction only when nothing else does. */
export interface Isolation {
  beside<Result>(work: () => Promise<Result>): Promise<Result>;
  alone<Result>(work: () => Promise<Result>): Promise<Result>;
}

export function createIsolation(): Isolation {
  const running = new Set<Promise<unknown>>();
  let lastAlone: Promise<unknown> = Promise.resolve();
  return {
    async beside(work) {
      for (let waitedFor: unknown; waitedFor !== lastAlone; ) {
        waitedFor = lastAlone;
        await lastAlone;
      }
      const begun = work();
      const over = begun.catch(() => undefined).finally(() => running.delete(over));
      running.add(over);
      return begun;
    },
    alone(work) {
      const begun = lastAlone.then(async () => {
        await Promise.all(running);
        return work();
      });
      lastAlone = begun.catch(() => undefined);
      return begun;
    },
  };
}

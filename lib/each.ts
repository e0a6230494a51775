/**
 * Does the same with many things that have nothing to do with each other: one that goes wrong does not keep the others from their turn.
 * @returns what went wrong, in the order of the things
 */
export async function problemsOfEach<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  work: (item: Item) => Promise<unknown>,
): Promise<unknown[]> {
  const problems: unknown[] = [];
  for await (const item of items) {
    try {
      await work(item);
    } catch (error) {
      problems.push(error);
    }
  }
  return problems;
}

/**
 * @param what has happened to so many: "records could not be swept"
 * @throws AggregateError of the problems, if there are any
 */
export function throwTogether(problems: readonly unknown[], what: string): void {
  if (problems.length === 0) return;
  // What is logged of an error is its message: without a reason in it, nobody would learn what to mend.
  const [first] = problems;
  const reason = first instanceof Error ? `${first.name}: ${first.message}` : 'an unknown error';
  throw new AggregateError(problems, `${problems.length} ${what}, the first for ${reason}`);
}

/**
 * Does the same with many things, some of them at a time.
 * @returns what came of each, in their order
 */
export async function resultsOfEach<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let place = 0; place < items.length; place += atOnce) {
    results.push(...(await Promise.all(items.slice(place, place + atOnce).map(work))));
  }
  return results;
}

import { explain } from '../../aws/explain.ts';
import type { QuotaKind } from './limits.ts';
import type { QuotaReading, Read } from './room.ts';

/** How each number of a quota is read. */
export type QuotaReaders<Kind extends QuotaKind> = Readonly<
  Record<Kind, { used(): Promise<number>; limit(): Promise<number> }>
>;

/** Reads quotas at the same time. What cannot be read is in its place, with the reason. */
export async function readEach<Kind extends QuotaKind>(
  kinds: readonly Kind[],
  readers: QuotaReaders<Kind>,
): Promise<QuotaReading[]> {
  return Promise.all(
    kinds.map(async (kind) => {
      const { used: readUsed, limit: readLimit } = readers[kind];
      const [used, limit] = await Promise.all([orReason(readUsed), orReason(readLimit)]);
      return { kind, used, limit };
    }),
  );
}

async function orReason(read: () => Promise<number>): Promise<Read> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { error: { name: error.name, message: explain(error) } };
  }
}

/** How many items all pages have. @throws what `mayGoOn` throws */
export async function counted<Page>(
  pages: AsyncIterable<Page>,
  itemsOf: (page: Page) => readonly unknown[] | undefined,
  mayGoOn: () => void,
): Promise<number> {
  let count = 0;
  for await (const page of pages) {
    count += itemsOf(page)?.length ?? 0;
    mayGoOn();
  }
  return count;
}

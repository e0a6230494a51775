/** What stands in place of what was cut. */
const sign = '…';

/** A text in at most so many bytes of UTF-8, with a sign of what was cut, and no character in half. */
export function shortened(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let end = maxBytes - Buffer.byteLength(sign);
  // The bytes of a character after its first begin with 10.
  while (((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end -= 1;
  return `${bytes.subarray(0, end).toString()}${sign}`;
}

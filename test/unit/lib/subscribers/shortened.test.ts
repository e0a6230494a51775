import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shortened } from '../../../../lib/subscribers/shortened.ts';

describe('a shortened text', () => {
  it.each([
    ['abcdef', 6, 'abcdef'],
    ['abcdefg', 6, 'abc…'],
    ['ééé', 6, 'ééé'],
    ['éééé', 6, 'é…'],
    ['😀😀', 7, '😀…'],
    ['😀😀', 6, '…'],
  ])('of %s in %i bytes is %s', (text, bytes, expected) => {
    expect(shortened(text, bytes)).toBe(expected);
  });

  it('is whole, or the beginning of the text with a sign, in as many bytes as there are but for one character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.integer({ min: 3, max: 40 }), (text, max) => {
        const short = shortened(text, max);
        const isShort = Buffer.byteLength(text) <= max;
        if (isShort) expect(short).toBe(text);
        fc.pre(!isShort);
        expect(Buffer.byteLength(short)).toBeLessThanOrEqual(max);
        expect(Buffer.byteLength(short)).toBeGreaterThan(max - 4);
        expect(short.endsWith('…')).toBe(true);
        expect(text.startsWith(short.slice(0, -1))).toBe(true);
      }),
    );
  });
});

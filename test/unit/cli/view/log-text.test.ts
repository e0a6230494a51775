import { describe, expect, it } from 'vitest';
import { logEntryOf, logText } from '../../../../cli/view/log-text.ts';

const at = Date.parse('2026-11-29T23:59:59.500Z');
const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/11111111-aaaa-4aaa-8aaa-111111111111';
const own = (more: object, later = 0) =>
  logEntryOf(
    {
      at: at + later,
      message: JSON.stringify({
        level: 'INFO',
        message: 'key policy written',
        timestamp: new Date(at + later).toISOString(),
        service: 'patch-key-policy',
        function_request_id: 'aa-bb',
        function_memory_size: '512',
        executionArn: 'arn:aws:states:us-east-1:111111111111:execution:m:acme-1',
        userName: 'acme',
        ...more,
      }),
    },
    'patch-key-policy',
  );
const paint = (_style: string, text: string) => text;
const textAt = (columns: number | undefined, ...entries: readonly ReturnType<typeof logEntryOf>[]) =>
  logText(entries, { paint, columns }).split('\n');

describe('an entry', () => {
  it('has what the line says beside what all lines say', () => {
    expect(own({ keyArn, changed: true })).toEqual({
      timestamp: '2026-11-29T23:59:59.500Z',
      function: 'patch-key-policy',
      level: 'INFO',
      message: 'key policy written',
      fields: { function_request_id: 'aa-bb', keyArn, changed: true },
    });
  });

  it.each(['Error: x', '{"a": 1}', '[1]', '"INFO"', '{"level": 1, "message": "x"}'])(
    'is a line as it is when that is not of the logger: %s',
    (message) => {
      expect(logEntryOf({ at, message: `${message}\n` }, 'obtain-token')).toEqual({
        timestamp: '2026-11-29T23:59:59.500Z',
        function: 'obtain-token',
        level: null,
        message,
        fields: {},
      });
    },
  );
});

describe('the text of entries', () => {
  it('has one line for each in a pipe, with the whole time', () => {
    const other = logEntryOf({ at, message: 'a\tline\nof two' }, 'obtain-token');
    expect(textAt(undefined, own({ keyArn, reason: 'a "b"', about: { n: 1 } }), other)).toEqual([
      `2026-11-29T23:59:59.500Z INFO  patch-key-policy key policy written keyArn=${keyArn} reason="a \\"b\\"" about={"n":1}`,
      '2026-11-29T23:59:59.500Z       obtain-token     a line of two',
      '',
    ]);
  });

  it('is broken between words at 60 columns, with each day as a heading', () => {
    expect(textAt(60, own({ keyArn }), own({ message: 'and once more in a sentence of some words' }, 1000))).toEqual([
      '2026-11-29 (UTC)',
      '23:59:59.500 INFO  patch-key-policy key policy written',
      `    keyArn=${keyArn}`,
      '2026-11-30 (UTC)',
      '00:00:00.500 INFO  patch-key-policy and once more in a',
      '    sentence of some words',
      '',
    ]);
  });

  it.each([60, 100, 200])('has no line of %i columns that is too long, but for words that are', (columns) => {
    const message = 'word '.repeat(100);
    for (const line of textAt(columns, own({ keyArn, message }))) {
      expect(line.length <= columns || line.trim().split(' ').length === 1).toBe(true);
    }
  });

  it('has its colours by the level', () => {
    const marked = logText([own({ level: 'ERROR' }), own({ level: 'WARN' })], {
      paint: (style, text) => `<${style}>${text}</>`,
      columns: undefined,
    });
    expect(marked).toMatch(/<red>ERROR<\/>.*<red>key<\/>.*\n.*<yellow>WARN <\/>/);
  });

  it('keeps what would control the terminal out', () => {
    expect(textAt(undefined, logEntryOf({ at, message: '\u001b[2Jx' }, 'f'))[0]).toMatch(/ f \[2Jx$/);
  });
});

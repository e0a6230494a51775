import { describe, expect, it } from 'vitest';
import { parseArguments } from '../../cli/arguments.ts';

describe('parseArguments', () => {
  it.each([
    ['nothing', [], { help: false, requestFile: undefined, json: false, endpoint: undefined, faults: [] }],
    [
      'everything',
      ['--json', 'my.json', '--endpoint', 'http://localhost:4566'],
      { help: false, requestFile: 'my.json', json: true, endpoint: 'http://localhost:4566', faults: [] },
    ],
    [
      'several faults',
      ['--fault', 'kms:PutKeyPolicy:throttle:2', '--fault', 'events:StackStatusChange:lose'],
      {
        help: false,
        requestFile: undefined,
        json: false,
        endpoint: undefined,
        faults: [
          { service: 'kms', operation: 'PutKeyPolicy', fault: { kind: 'throttle' }, times: 2 },
          { service: 'events', operation: 'StackStatusChange', fault: { kind: 'lose' }, times: 1 },
        ],
      },
    ],
    ['--help', ['--help'], { help: true }],
  ])('reads %s', (_, args, expected) => {
    expect(parseArguments(args)).toEqual(expected);
  });

  it.each([
    ['an unknown option', ['--verbose'], "Unknown option '--verbose'"],
    ['two files', ['a.json', 'b.json'], 'One request file at a time: got a.json and b.json'],
    ['an endpoint without a value', ['--endpoint'], "Option '--endpoint <value>' argument missing"],
    ['an endpoint that is no URL', ['--endpoint', 'sandbox'], '--endpoint takes a URL'],
    ['an unknown fault', ['--fault', 'kms:Encrypt:drop'], 'unknown operation'],
    ['a fault for a running sandbox', ['--endpoint', 'http://x', '--fault', 'kms:PutKeyPolicy:drop'], '--fault is for'],
    ['an endpoint that is not HTTP', ['--endpoint', 'localhost:4566'], '--endpoint takes a URL'],
  ])('refuses %s', (_, args, message) => {
    expect(() => parseArguments(args)).toThrow(
      expect.objectContaining({
        name: 'InvalidRequest',
        message: expect.stringContaining(message),
        remedy: expect.stringContaining('--help'),
      }),
    );
  });
});

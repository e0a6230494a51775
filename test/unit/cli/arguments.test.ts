import { describe, expect, it } from 'vitest';
import { parseArguments, usage } from '../../../cli/arguments.ts';

const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/11111111-aaaa-4aaa-8aaa-111111111111';
const at = ['--endpoint', 'http://sandbox.example:4566'];
const defaults = {
  command: 'run',
  operation: 'onboard-subscriber',
  requestFile: undefined,
  json: false,
  endpoint: undefined,
  faults: [],
  diff: false,
};
const faulty = { command: 'fault', json: false, endpoint: 'http://sandbox.example:4566' };
const listing = { command: 'key-policies', keyArn, json: false, endpoint: 'http://sandbox.example:4566' };

describe('parseArguments', () => {
  it.each([
    ['nothing', [], defaults],
    [
      'everything',
      ['--json', 'my.json', '--endpoint', 'http://sandbox.example:4566'],
      {
        command: 'run',
        operation: 'onboard-subscriber',
        requestFile: 'my.json',
        json: true,
        endpoint: 'http://sandbox.example:4566',
        faults: [],
        diff: false,
      },
    ],
    [
      'several faults',
      ['--fault', 'kms:PutKeyPolicy:throttle:2', '--fault', 'events:StackStatusChange:lose'],
      {
        command: 'run',
        operation: 'onboard-subscriber',
        requestFile: undefined,
        json: false,
        endpoint: undefined,
        faults: [
          { service: 'kms', operation: 'PutKeyPolicy', fault: { kind: 'throttle' }, times: 2 },
          { service: 'events', operation: 'StackStatusChange', fault: { kind: 'lose' }, times: 1 },
        ],
        diff: false,
      },
    ],
    ['--help', ['--help'], { command: 'help' }],
    ['a request file named like an option of another command', ['restore'], { ...defaults, requestFile: 'restore' }],
    ['an update', ['update'], { ...defaults, operation: 'update-subscriber' }],
    ['users to add', ['add-user', 'my.json'], { ...defaults, operation: 'add-user', requestFile: 'my.json' }],
    ['an offboarding', ['offboard', ...at], { ...defaults, operation: 'offboard-subscriber', endpoint: at[1] }],
    ['a request file named like no command', ['constructor'], { ...defaults, requestFile: 'constructor' }],
    [
      'whose status is asked',
      ['status', 'acme', ...at],
      { command: 'status', userName: 'acme', json: false, endpoint: at[1] },
    ],
    [
      'what is to be retried',
      [...at, 'retry', 'acme', '--json'],
      { command: 'retry', userName: 'acme', json: true, endpoint: at[1], diff: false },
    ],
    ['the list of kept policies', ['key-policies', keyArn, ...at], { ...listing, action: { name: 'list' } }],
    [
      'a kept policy to show',
      ['--json', ...at, 'key-policies', '--show', '2026#1', keyArn],
      { ...listing, action: { name: 'show', policyId: '2026#1' }, json: true },
    ],
    [
      'a kept policy to restore',
      ['key-policies', keyArn, '--restore=2026#1', ...at],
      { ...listing, action: { name: 'restore', policyId: '2026#1' } },
    ],
    ['--help of a command', ['key-policies', '-h'], { command: 'help' }],
    ['whole differences', ['--diff'], { ...defaults, diff: true }],
    [
      'faults for a running sandbox',
      ['fault', 'kms:PutKeyPolicy:drop', 'a:b:c', ...at],
      { ...faulty, action: { name: 'add', faults: ['kms:PutKeyPolicy:drop', 'a:b:c'] } },
    ],
    ['faults to list', ['fault', '--list', '--json', ...at], { ...faulty, action: { name: 'list' }, json: true }],
    ['faults to clear', [...at, 'fault', '--clear'], { ...faulty, action: { name: 'clear' } }],
  ])('reads %s', (_, args, expected) => {
    expect(parseArguments(args, {})).toEqual(expected);
  });

  it.each([
    [['update'], 'a request'],
    [['status', 'acme'], 'status'],
    [['retry', 'acme'], 'retry'],
    [['key-policies', keyArn], 'key-policies'],
    [['fault', '--list'], 'fault'],
  ])('takes AWS_ENDPOINT_URL where %j has no endpoint', (args) => {
    const environment = { AWS_ENDPOINT_URL: 'http://sandbox.example:4566' };
    expect(parseArguments(args, environment)).toMatchObject({ endpoint: environment.AWS_ENDPOINT_URL });
    expect(parseArguments([...args, '--endpoint', 'http://other.example'], environment)).toMatchObject({
      endpoint: 'http://other.example',
    });
  });

  it.each([
    ['an empty one', { AWS_ENDPOINT_URL: '' }],
    ['one that is to be ignored', { AWS_ENDPOINT_URL: 'http://x', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' }],
  ])('takes no AWS_ENDPOINT_URL from %s', (_, environment) => {
    expect(parseArguments([], environment)).toEqual(defaults);
  });

  it.each([
    [[], { AWS_ENDPOINT_URL: 'sandbox.example' }, 'AWS_ENDPOINT_URL takes a URL such as http://'],
    [
      ['--fault', 'kms:PutKeyPolicy:drop'],
      { AWS_ENDPOINT_URL: 'http://x' },
      'at http://x (AWS_ENDPOINT_URL) with `npm',
    ],
  ])('names AWS_ENDPOINT_URL as what is wrong with %j', (args, environment, message) => {
    expect(() => parseArguments(args, environment)).toThrow(message);
  });

  it.each([
    ['an unknown option', ['--verbose'], "Unknown option '--verbose'"],
    ['two files', ['a.json', 'b.json'], 'One request file at a time: got a.json and b.json'],
    [
      'a command that there is not',
      ['key-policy', keyArn, ...at],
      "There is no command 'key-policy'; the commands are update, add-user, offboard, status, retry, key-policies, template, fault",
    ],
    [
      'options of a command that there is not',
      ['--json', ...at, 'keypolicies', keyArn, '--show', 'a'],
      "There is no command 'keypolicies'",
    ],
    ['an endpoint without a value', ['--endpoint'], "Option '--endpoint <value>' argument missing"],
    ['an endpoint that is no URL', ['--endpoint', 'sandbox'], '--endpoint takes a URL'],
    ['an unknown fault', ['--fault', 'kms:Encrypt:drop'], 'unknown operation'],
    ['a fault for a running sandbox', ['--endpoint', 'http://x', '--fault', 'kms:PutKeyPolicy:drop'], '--fault is for'],
    ['a kept policy of an onboarding', ['--show', '2026#1'], "Unknown option '--show'"],
    ['two files for an update', ['update', 'a.json', 'b.json'], 'One request file at a time: got a.json and b.json'],
    ['the status of nobody', ['status', ...at], 'status takes the userName of a subscriber'],
    ['the status of what is no name', ['status', 'a b', ...at], "the userName of a subscriber, not 'a b'"],
    ['a retry for two', ['retry', 'a', 'b', ...at], 'One subscriber at a time: got a and b'],
    ['a retry without an endpoint', ['retry', 'acme'], 'retry needs --endpoint'],
    ['a status with faults', ['status', 'acme', ...at, '--fault', 'x'], "Unknown option '--fault'"],
    ['key-policies without a key', ['key-policies', ...at], 'takes the ARN of a KMS key'],
    ['key-policies of two keys', ['key-policies', keyArn, 'b', ...at], `One key at a time: got ${keyArn} and b`],
    ['key-policies of an alias', ['key-policies', 'alias/a', ...at], "(arn:<partition>:kms:…:key/…), not 'alias/a'"],
    ['key-policies without an endpoint', ['key-policies', keyArn], 'key-policies needs --endpoint'],
    ['key-policies at no URL', ['key-policies', keyArn, '--endpoint', 'x'], '--endpoint takes a URL'],
    ['key-policies with faults', ['key-policies', keyArn, ...at, '--fault', 'x'], "Unknown option '--fault'"],
    ['a policy without an id', ['key-policies', keyArn, ...at, '--show'], "'--show <value>' argument missing"],
    ['two actions', ['key-policies', keyArn, ...at, '--show', 'a', '--restore', 'b'], 'not both'],
    ['a fault command that says nothing', ['fault', ...at], 'fault takes faults'],
    ['a fault command that says two things', ['fault', '--list', '--clear', ...at], 'fault takes faults'],
    ['a fault command without an endpoint', ['fault', '--list'], 'fault needs --endpoint or AWS_ENDPOINT_URL'],
    ['an endpoint that is not HTTP', ['--endpoint', 'sandbox.example:4566'], '--endpoint takes a URL'],
  ])('refuses %s', (_, args, message) => {
    expect(() => parseArguments(args, {})).toThrow(
      expect.objectContaining({
        name: 'InvalidRequest',
        message: expect.stringContaining(message),
        remedy: expect.stringContaining('--help'),
      }),
    );
  });
});

describe('usage', () => {
  it('fits a terminal of 100 columns', () => {
    expect(usage.split('\n').filter((line) => line.length > 100)).toEqual([]);
  });

  it('names every command, and the environment variable', () => {
    for (const word of [
      'update',
      'add-user',
      'offboard',
      'status',
      'retry',
      'key-policies',
      'fault',
      'AWS_ENDPOINT_URL',
    ])
      expect(usage).toMatch(new RegExp(`\\b${word}\\b`));
  });
});

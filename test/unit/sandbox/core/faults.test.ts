import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createFaults, parseFault } from '../../../../sandbox/core/faults.ts';

describe('a fault in words', () => {
  it.each([
    [
      'kms:PutKeyPolicy:throttle:2',
      { service: 'kms', operation: 'PutKeyPolicy', fault: { kind: 'throttle' }, times: 2 },
    ],
    [
      'infinstor:get_version:delay=500',
      { service: 'infinstor', operation: 'get_version', fault: { kind: 'delay', milliseconds: 500 }, times: 1 },
    ],
    [
      'iam:GetRole:error=NoSuchEntity',
      { service: 'iam', operation: 'GetRole', fault: { kind: 'error', name: 'NoSuchEntity' }, times: 1 },
    ],
    [
      'infinstor:add_subscriber:error=504',
      { service: 'infinstor', operation: 'add_subscriber', fault: { kind: 'error', name: '504' }, times: 1 },
    ],
    [
      'events:StackStatusChange:late',
      { service: 'events', operation: 'StackStatusChange', fault: { kind: 'late' }, times: 1 },
    ],
    [
      'events:PutKeyPolicy:repeat:2',
      { service: 'events', operation: 'PutKeyPolicy', fault: { kind: 'repeat' }, times: 2 },
    ],
    [
      'infinstor:add_subscriber:error=EndpointTimedOut',
      {
        service: 'infinstor',
        operation: 'add_subscriber',
        fault: { kind: 'error', name: 'EndpointTimedOut' },
        times: 1,
      },
    ],
    [
      'events:SubscriberRequested:repeat',
      { service: 'events', operation: 'SubscriberRequested', fault: { kind: 'repeat' }, times: 1 },
    ],
    [
      'lambda:create-subscriber:freeze',
      { service: 'lambda', operation: 'create-subscriber', fault: { kind: 'freeze' }, times: 1 },
    ],
    ['events:PutEvents:drop', { service: 'events', operation: 'PutEvents', fault: { kind: 'drop' }, times: 1 }],
  ])('%s', (text, rule) => {
    expect(parseFault(text)).toEqual(rule);
  });

  it.each([
    ['', 'must be service:Operation:kind[:times]'],
    ['kms:PutKeyPolicy', 'must be service:Operation:kind[:times]'],
    ['kms:PutKeyPolicy:drop:1:2', 'must be service:Operation:kind[:times]'],
    ['route53:ListZones:drop', 'unknown service'],
    ['constructor:x:drop', 'unknown service'],
    ['kms:Encrypt:drop', 'unknown operation; known are DescribeKey'],
    ['kms:PutKeyPolicy:lose', 'unknown kind; known are throttle'],
    ['kms:PutKeyPolicy:delay', 'unknown kind'],
    ['infinstor:add_subscriber:error=Nonsense', 'unknown kind'],
    ['kms:PutKeyPolicy:stale', 'unknown kind'],
    ['kms:PutKeyPolicy:freeze', 'unknown kind; known are throttle'],
    ['lambda:create-subscriber:kill', 'unknown kind; known are freeze'],
    ['events:StackStatusChange:drop', 'unknown kind; known are lose, repeat, late'],
    ['events:PutKeyPolicy:throttle', 'unknown kind; known are lose, repeat, late'],
    ['events:GetKeyPolicy:lose', 'unknown operation; known are PutEvents, PutKeyPolicy'],
    ['kms:PutKeyPolicy:drop:0', 'times must be a number'],
    ['kms:PutKeyPolicy:drop:many', 'times must be a number'],
  ])('%s is refused', (text, words) => {
    expect(() => parseFault(text)).toThrow(words);
  });
});

it('every function can be frozen, and nothing else', () => {
  const steps = readdirSync(join(import.meta.dirname, '../../../../functions'));
  for (const step of steps) expect(() => parseFault(`lambda:${step}:freeze`), step).not.toThrow();
  expect(() => parseFault('lambda:none:freeze')).toThrow(`unknown operation; known are ${steps.toSorted().join(', ')}`);
});

it('faults come as often as they are asked for, in their order', () => {
  const faults = createFaults([parseFault('kms:PutKeyPolicy:throttle:2'), parseFault('kms:PutKeyPolicy:drop')]);
  const kinds = () => faults.take('kms', 'PutKeyPolicy')?.kind;
  expect(faults.take('kms', 'GetKeyPolicy')).toBeUndefined();
  expect([kinds(), kinds(), kinds(), kinds()]).toEqual(['throttle', 'throttle', 'drop', undefined]);
  faults.add(parseFault('kms:PutKeyPolicy:kill'));
  expect([kinds(), kinds()]).toEqual(['kill', undefined]);
  faults.add({ ...parseFault('kms:PutKeyPolicy:drop'), skip: 1 });
  expect([kinds(), kinds(), kinds()]).toEqual([undefined, 'drop', undefined]);
  faults.add({ ...parseFault('kms:PutKeyPolicy:kill'), followedBy: parseFault('kms:PutKeyPolicy:drop') });
  expect([kinds(), kinds(), kinds()]).toEqual(['kill', 'drop', undefined]);
  faults.add(parseFault('kms:PutKeyPolicy:kill:5'));
  faults.clear();
  expect(kinds()).toBeUndefined();
});

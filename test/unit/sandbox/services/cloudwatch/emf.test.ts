import { describe, expect, it } from 'vitest';
import { embeddedMetrics } from '../../../../../sandbox/services/cloudwatch/emf.ts';

const directive = { Namespace: 'app', Dimensions: [['service']], Metrics: [{ Name: 'time', Unit: 'Milliseconds' }] };
const document = (changes: object = {}, members: object = {}) => ({
  _aws: { Timestamp: 1_574_109_732_004, CloudWatchMetrics: [{ ...directive, ...changes }] },
  service: 'step',
  region: 'us-east-1',
  time: 100,
  ...members,
});
const read = (value: unknown) => embeddedMetrics(JSON.stringify(value));

describe('the embedded metric format', () => {
  it('is a value of a metric with its dimensions, unit and time', () => {
    expect(read(document({}, { requestId: 'x' }))).toEqual([
      {
        metric: { namespace: 'app', name: 'time', dimensions: { service: 'step' } },
        unit: 'Milliseconds',
        values: [100],
        time: 1_574_109_732_004,
      },
    ]);
  });

  it('makes one metric of each set of dimensions, of none too, and each metric', () => {
    const Metrics = [{ Name: 'time' }, { Name: 'size', StorageResolution: 1 }];
    const found = read(document({ Dimensions: [[], ['service'], ['service', 'region']], Metrics }, { size: [1, 2] }));
    expect(found?.map(({ metric, unit, values }) => [metric.name, metric.dimensions, unit, values])).toEqual([
      ['time', {}, 'None', [100]],
      ['time', { service: 'step' }, 'None', [100]],
      ['time', { service: 'step', region: 'us-east-1' }, 'None', [100]],
      ['size', {}, 'None', [1, 2]],
      ['size', { service: 'step' }, 'None', [1, 2]],
      ['size', { service: 'step', region: 'us-east-1' }, 'None', [1, 2]],
    ]);
  });

  it.each([
    'a text',
    '{"level":"INFO","message":"\\"CloudWatchMetrics\\""}',
    '["CloudWatchMetrics"]',
    '{"CloudWatchMetrics": broken',
  ])('is not %s', (line) => {
    expect(embeddedMetrics(line)).toBeUndefined();
  });

  it.each([
    ['no namespace', document({ Namespace: undefined })],
    ['no set of dimensions', document({ Dimensions: [] })],
    ['a dimension that is no list', document({ Dimensions: ['service'] })],
    ['a dimension that the root lacks', document({ Dimensions: [['other']] })],
    ['a dimension that is a number', document({}, { service: 1 })],
    ['an empty dimension', document({}, { service: '' })],
    ['31 dimensions', document({ Dimensions: [Array.from({ length: 31 }, () => 'service')] })],
    ['a metric that the root lacks', document({ Metrics: [{ Name: 'other' }] })],
    ['a metric that is a text', document({}, { time: '1' })],
    ['a metric without values', document({}, { time: [] })],
    ['101 values', document({}, { time: Array.from({ length: 101 }, () => 1) })],
    ['an unknown unit', document({ Metrics: [{ Name: 'time', Unit: 'ms' }] })],
    ['101 metrics', document({ Metrics: Array.from({ length: 101 }, () => ({ Name: 'time' })) })],
    ['a time with a fraction', { ...document(), _aws: { ...document()._aws, Timestamp: 1.5 } }],
    ['no time', { ...document(), _aws: { CloudWatchMetrics: [directive] } }],
    ['a metric below the root', document({ Metrics: [{ Name: 'a.time' }] }, { a: { time: 1 } })],
  ])('has not %s', (_, value) => {
    expect(() => read(value)).toThrow();
  });
});

import { describe, expect, it } from 'vitest';
import { evaluateAlarm, verdictOn } from '../../../../../sandbox/services/cloudwatch/alarm-state.ts';

const minuteMs = 60_000;
/** 2019-10-02T17:00:00Z */
const start = 1_570_035_600_000;

/** Five periods, as CloudWatch retrieves them in the examples of its guide: X breaches a threshold of 0, 0 does not, - is missing. */
function given(
  data: string,
  settings: { toAlarm?: number; treat?: 'breaching' | 'notBreaching' | 'ignore' | 'missing'; periods?: number },
) {
  const times = data.split(' ').map((_, place) => start + place * minuteMs);
  const points = new Map(
    data
      .split(' ')
      .flatMap((value, place) => (value === '-' ? [] : [[start + place * minuteMs, value === 'X' ? 1 : 0] as const])),
  );
  const { toAlarm, treat, periods = 3 } = settings;
  return {
    times,
    points,
    settings: {
      EvaluationPeriods: periods,
      ...(toAlarm !== undefined && { DatapointsToAlarm: toAlarm }),
      ...(treat !== undefined && { TreatMissingData: treat }),
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold' as const,
      Statistic: 'Sum' as const,
    },
  };
}

describe('missing data', () => {
  // CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data": both tables, with those of its older edition.
  it.each([
    ['0 - X - X', 3, 'OK', 'OK', 'OK', 'OK'],
    ['0 - - - -', 3, 'OK', 'OK', 'OK', 'OK'],
    ['- - - - -', 3, 'INSUFFICIENT_DATA', 'unchanged', 'ALARM', 'OK'],
    ['0 X X - X', 3, 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
    ['- - - - X', 3, 'INSUFFICIENT_DATA', 'unchanged', 'ALARM', 'OK'],
    ['X - - - -', 3, 'ALARM', 'unchanged', 'ALARM', 'OK'],
    ['- - X - -', 3, 'ALARM', 'unchanged', 'ALARM', 'OK'],
    ['0 - X - X', 2, 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
    ['0 0 X 0 X', 2, 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
    ['0 - X - -', 2, 'OK', 'OK', 'ALARM', 'OK'],
    ['- - - - 0', 2, 'OK', 'OK', 'ALARM', 'OK'],
    ['- - - - X', 2, 'INSUFFICIENT_DATA', 'unchanged', 'ALARM', 'OK'],
    ['- - - X -', 2, 'ALARM', 'unchanged', 'ALARM', 'OK'],
    ['- - X - X', 2, 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
  ] as const)('%s with %d of 3', (data, toAlarm, missing, ignore, breaching, notBreaching) => {
    const verdict = (treat?: 'breaching' | 'notBreaching' | 'ignore' | 'missing') =>
      verdictOn(given(data, { toAlarm, ...(treat !== undefined && { treat }) })).verdict;
    expect([verdict('missing'), verdict('ignore'), verdict('breaching'), verdict('notBreaching')]).toEqual([
      missing,
      ignore,
      breaching,
      notBreaching,
    ]);
    expect(verdict()).toBe(missing);
  });

  it('needs all periods where the alarm says nothing else', () => {
    expect(verdictOn(given('0 0 0 X X', {})).verdict).toBe('OK');
    expect(verdictOn(given('0 0 X X X', {})).verdict).toBe('ALARM');
  });
});

it.each([
  ['GreaterThanThreshold', [false, false, true]],
  ['GreaterThanOrEqualToThreshold', [false, true, true]],
  ['LessThanThreshold', [true, false, false]],
  ['LessThanOrEqualToThreshold', [true, true, false]],
] as const)('%s compares the value with the threshold', (ComparisonOperator, expected) => {
  const verdicts = [4, 5, 6].map((value) => {
    const { settings } = given('-', {});
    const evaluated = { times: [start], points: new Map([[start, value]]) };
    return verdictOn({
      ...evaluated,
      settings: { ...settings, EvaluationPeriods: 1, Threshold: 5, ComparisonOperator },
    }).verdict;
  });
  expect(verdicts).toEqual(expected.map((is) => (is ? 'ALARM' : 'OK')));
});

describe('the reason', () => {
  const reasonOf = (
    data: string,
    settings: Parameters<typeof given>[1],
    before: 'OK' | 'ALARM' | 'INSUFFICIENT_DATA' = 'OK',
  ) => evaluateAlarm({ ...given(data, settings), now: start + 10 * minuteMs, period: 60, before, samplesAt: () => 2 });

  it.each([
    // Recorded of AWS, or printed in its guide, with other values.
    [
      '- - X',
      { periods: 1 },
      'Threshold Crossed: 1 datapoint [1.0 (02/10/19 17:02:00)] was greater than the threshold (0.0).',
    ],
    [
      '0 0 0 0 0',
      {},
      'Threshold Crossed: 3 datapoints [0.0 (02/10/19 17:04:00), 0.0 (02/10/19 17:03:00), 0.0 (02/10/19 17:02:00)] were not greater than the threshold (0.0).',
    ],
    [
      '- - X',
      { periods: 1, toAlarm: 1 },
      'Threshold Crossed: 1 out of the last 1 datapoints [1.0 (02/10/19 17:02:00)] was greater than the threshold (0.0) (minimum 1 datapoint for OK -> ALARM transition).',
    ],
    [
      '- - - -',
      { periods: 2, treat: 'breaching' as const },
      'Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [Breaching].',
    ],
    [
      '- - -',
      { periods: 1, treat: 'notBreaching' as const },
      'Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching].',
    ],
    ['- - -', { periods: 1 }, 'Insufficient Data: 1 datapoint was unknown.'],
    ['- - - -', { periods: 2 }, 'Insufficient Data: 2 datapoints were unknown.'],
    // Not recorded.
    [
      '- - - - X',
      { toAlarm: 2, treat: 'notBreaching' as const },
      'Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [NonBreaching].',
    ],
  ])('of %s', (data, settings, expected) => {
    expect(reasonOf(data, settings)?.reason).toBe(expected);
  });

  it('of an alarm that is over names how many were needed', () => {
    expect(reasonOf('- - 0', { periods: 1, toAlarm: 1 }, 'ALARM')?.reason).toContain(
      '(minimum 1 datapoint for ALARM -> OK transition)',
    );
  });

  it('has data, for programs', () => {
    expect(JSON.parse(reasonOf('- - X', { periods: 1 })?.reasonData ?? '')).toEqual({
      version: '1.0',
      queryDate: '2019-10-02T17:10:00.000+0000',
      startDate: '2019-10-02T17:02:00.000+0000',
      statistic: 'Sum',
      period: 60,
      recentDatapoints: [1],
      threshold: 0,
      evaluatedDatapoints: [{ timestamp: '2019-10-02T17:02:00.000+0000', sampleCount: 2, value: 1 }],
    });
    const { recentDatapoints, evaluatedDatapoints } = JSON.parse(
      reasonOf('- - - -', { periods: 2, treat: 'breaching' })?.reasonData ?? '',
    );
    expect(recentDatapoints).toEqual([]);
    expect(evaluatedDatapoints).toEqual([
      { timestamp: '2019-10-02T17:03:00.000+0000' },
      { timestamp: '2019-10-02T17:02:00.000+0000' },
    ]);
  });

  it('is not looked for while the state stays as it is', () => {
    expect(reasonOf('- - - -', { periods: 2, treat: 'ignore' })).toBeUndefined();
  });
});

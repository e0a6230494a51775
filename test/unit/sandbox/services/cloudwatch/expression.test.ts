import { describe, expect, it } from 'vitest';
import { parseExpression } from '../../../../../sandbox/services/cloudwatch/expression-syntax.ts';
import { evaluateExpression, type Value } from '../../../../../sandbox/services/cloudwatch/expression-values.ts';

/** One value for each period; `-` stands for none. */
const seriesOf = (text: string) =>
  new Map(text.split(' ').flatMap((value, time) => (value === '-' ? [] : [[time, Number(value)] as const])));

const shown = (points: ReadonlyMap<number, number>, count: number) =>
  Array.from({ length: count }, (_, time) => points.get(time) ?? '-').join(' ');

function evaluate(expression: string, metrics: Record<string, string>): string {
  const count = Math.max(...Object.values(metrics).map((text) => text.split(' ').length), 1);
  const all = Object.entries(metrics).map(([id, text]) => ({ id, points: seriesOf(text) }));
  const value = evaluateExpression(parseExpression(expression), {
    times: Array.from({ length: count }, (_, time) => time),
    valueOf(id): Value {
      const metric = all.find((each) => each.id === id);
      if (metric === undefined) throw new Error(`there is no ${id}`);
      return { kind: 'series', points: metric.points, period: 60 };
    },
    metrics: all,
  });
  switch (value.kind) {
    case 'scalar':
      return `scalar ${value.value}`;
    case 'series':
      return shown(value.points, count);
    case 'list':
      return value.series.map((points) => shown(points, count)).join(' | ');
  }
}

describe('metric math', () => {
  // The examples of the user guide, "Using metric math", are marked.
  it.each([
    // Guide: comparisons.
    ['(metric1 < metric2)', '0 0 1 0', { metric1: '30 20 0 0', metric2: '20 - 20 -' }],
    ['(metric1 >= 30)', '1 0 0 0', { metric1: '30 20 0 0' }],
    ['(metric1 > 15 AND metric2 > 15)', '1 0 0 0', { metric1: '30 20 0 0', metric2: '20 - 20 -' }],
    // Guide: IF.
    [
      'IF(metric1, metric2, metric3)',
      '30 0 20 - -',
      { metric1: '1 1 0 0 -', metric2: '30 - 0 0 30', metric3: '0 0 20 - 20' },
    ],
    ['IF(metric1, 5, metric3)', '5 5 20 - -', { metric1: '1 1 0 0 -', metric3: '0 0 20 - 20' }],
    ['IF(metric1, metric2, 5)', '30 0 5 5 -', { metric1: '1 1 0 0 -', metric2: '30 - 0 0 30' }],
    ['IF(metric1<400, metric1)', '1 - -', { metric1: '1 400 -' }],
    ['IF(1, m1, m2)', '1 -', { m1: '1 -', m2: '2 2' }],
    ['IF(0, m1)', '- -', { m1: '1 2' }],
    ['IF(0, m1, 3)', '3 3', { m1: '1 2' }],
    // Missing values are 0 where the other side has one, and a division by zero is none.
    ['m1 + m2', '3 1 2 -', { m1: '1 1 - -', m2: '2 - 2 -' }],
    ['m1 - m2', '-1 1 -2 -', { m1: '1 1 - -', m2: '2 - 2 -' }],
    ['m1 / m2', '0.5 - 0', { m1: '1 1 -', m2: '2 - 2' }],
    ['100 * m1 / m2', '50 -', { m1: '1 1', m2: '2 0' }],
    ['-m1 ^ 2', '-4', { m1: '2' }],
    ['2 + 3 * m1', '5', { m1: '1' }],
    ['(2 + 3) * m1', '5', { m1: '1' }],
    ['m1 == 1 || m1 == 3', '1 0 1', { m1: '1 2 3' }],
    ['m1 != 1 && m1 <= 2', '0 1 0', { m1: '1 2 3' }],
    ['m1 OR m2', '1 1 0', { m1: '1 0 0', m2: '- 2 0' }],
    // Lists.
    ['METRICS()', '1 - | - 2', { m1: '1 -', m2: '- 2' }],
    ['SUM(METRICS())', '1 5 -', { m1: '1 2 -', m2: '- 3 -' }],
    ['SUM(METRICS("err"))', '1 -', { err1: '1 -', ok: '- 3' }],
    ['SUM([m1, m2])', '3 2', { m1: '1 2', m2: '2 -' }],
    ['AVG([m1, m2])', '1.5 1', { m1: '1 2', m2: '2 -' }],
    ['MAX([m1, m2])', '2 2', { m1: '1 2', m2: '2 -' }],
    ['MIN([m1, m2])', '1 2', { m1: '1 2', m2: '2 -' }],
    ['METRICS() / 2', '1 | 2', { m1: '2', m2: '4' }],
    ['[m1, m2] / m1', '1 | 2', { m1: '2', m2: '4' }],
    ['[m1, m2] - [m2, m1]', '-2 | 2', { m1: '2', m2: '4' }],
    ['DATAPOINT_COUNT([m1, m2])', '2 1', { m1: '1 -', m2: '1 1' }],
    ['FIRST(METRICS())', '2', { m1: '2', m2: '4' }],
    ['LAST(METRICS())', '4', { m1: '2', m2: '4' }],
    ['REMOVE_EMPTY(METRICS())', '1', { m1: '1', m2: '-' }],
    ['m1 / METRIC_COUNT(METRICS())', '1', { m1: '2', m2: '4' }],
    ['SUM(ABS(-[m1, m2]))', '6', { m1: '2', m2: '4' }],
    // Of one series a number.
    ['SUM(m1)', 'scalar 3', { m1: '1 2 -' }],
    ['m1 - AVG(m1)', '-0.5 0.5 -', { m1: '1 2 -' }],
    ['MAX(m1)', 'scalar 2', { m1: '1 2 -' }],
    ['m1 / PERIOD(m1)', '2', { m1: '120' }],
    ['TIME_SERIES(3)', '3 3', { m1: '- -' }],
    // Filling.
    ['FILL(m1, 0)', '0 1 0', { m1: '- 1 -' }],
    ['FILL(m1, m2)', '5 1 -', { m1: '- 1 -', m2: '5 6 -' }],
    ['FILL(m1, REPEAT)', '- 1 1', { m1: '- 1 -' }],
    ['SUM(FILL(METRICS(), 0))', '1 2', { m1: '1 -', m2: '- 2' }],
    // By time.
    ['DIFF(m1)', '- 1 - 3', { m1: '1 2 - 5' }],
    ['RATE(m1)', '- 1000', { m1: '1 2' }],
    ['RUNNING_SUM(m1)', '1 3 - 6', { m1: '1 2 - 3' }],
    ['CEIL(m1) - FLOOR(m1)', '1', { m1: '1.5' }],
  ])('%s is %s', (expression, expected, metrics) => {
    expect(evaluate(expression, metrics)).toBe(expected);
  });

  it.each([
    ['m1 +', 'unexpected end'],
    ['m1 m2', 'unexpected m2'],
    ['m1 % 2', 'unexpected %'],
    ['(m1', 'unexpected end'],
    ['SUM(m1', 'unexpected end'],
    ['SEARCH("x", "Sum")', 'no function SEARCH'],
    ['m3', 'there is no m3'],
    ['"text"', 'is no value'],
    ['1 / 0', 'a division by zero'],
    ['PERIOD(m1 + 1)', 'PERIOD is of a metric'],
    ['FILL(m1)', 'FILL needs a value'],
    ['FILL(1, 0)', 'a time series is needed'],
    ['IF(m1)', 'IF takes'],
    ['TIME_SERIES(m1)', 'TIME_SERIES is of a number'],
    ['METRICS(m1)', 'a text in quotes'],
    ['SUM()', 'SUM needs an argument'],
    ['[1]', 'a list has time series only'],
    ['[m1, m2] + [m1]', 'of different lengths'],
  ])('%s is refused', (expression, reason) => {
    expect(() => evaluate(expression, { m1: '1', m2: '2' })).toThrow(reason);
  });
});

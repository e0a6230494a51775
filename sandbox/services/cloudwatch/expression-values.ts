import type { Expression, Operator } from './expression-syntax.ts';

/** A value for each time that has one, in milliseconds since the epoch. */
export type Points = ReadonlyMap<number, number>;

export type Value =
  | { kind: 'scalar'; value: number }
  /** `period`: of a metric, in seconds. */
  | { kind: 'series'; points: Points; period?: number }
  | { kind: 'list'; series: readonly Points[] };

/** What an expression can refer to. */
export interface Scope {
  /** The times of all periods that are looked at, oldest first. */
  times: readonly number[];
  /** What an id means. @throws Error for one that means nothing */
  valueOf: (id: string) => Value;
  /** The metrics of the request, by id, without what expressions make of them. */
  metrics: readonly { id: string; points: Points }[];
}

/**
 * What a metric math expression is worth. Where a series has no value, arithmetic and comparisons take 0, as long as the other one has a value there; to
 * divide by 0 leaves no value (CloudWatch user guide, "Using metric math").
 * @throws Error for what the sandbox does not have, and for arguments that a function does not take
 */
export function evaluateExpression(expression: Expression, scope: Scope): Value {
  switch (expression.kind) {
    case 'number':
      return scalar(expression.value);
    case 'text':
      throw new Error(`Invalid metrics expression: "${expression.value}" is no value`);
    case 'name':
      return scope.valueOf(expression.name);
    case 'list':
      return { kind: 'list', series: expression.items.flatMap((item) => allSeries(evaluateExpression(item, scope))) };
    case 'minus':
      return each(evaluateExpression(expression.operand, scope), (value) => -value);
    case 'operation': {
      const { operator, left, right } = expression;
      return combine(evaluateExpression(left, scope), evaluateExpression(right, scope), operations[operator]);
    }
    case 'call':
      return call(expression, scope);
  }
}

const scalar = (value: number): Value => ({ kind: 'scalar', value });
const series = (points: Points): Value => ({ kind: 'series', points });

type Combination = (left: number, right: number) => number | undefined;

const bit = (holds: boolean) => (holds ? 1 : 0);
const and: Combination = (a, b) => bit(a !== 0 && b !== 0);
const or: Combination = (a, b) => bit(a !== 0 || b !== 0);

const operations: Readonly<Record<Operator, Combination>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => (b === 0 ? undefined : a / b),
  '^': (a, b) => a ** b,
  '==': (a, b) => bit(a === b),
  '!=': (a, b) => bit(a !== b),
  '<=': (a, b) => bit(a <= b),
  '>=': (a, b) => bit(a >= b),
  '<': (a, b) => bit(a < b),
  '>': (a, b) => bit(a > b),
  ...{ AND: and, '&&': and, OR: or, '||': or },
};

function combine(left: Value, right: Value, combination: Combination): Value {
  if (left.kind === 'list' || right.kind === 'list') {
    const count = Math.max(...[left, right].map((side) => (side.kind === 'list' ? side.series.length : 1)));
    if ([left, right].some((side) => side.kind === 'list' && side.series.length !== count)) {
      throw new Error('Invalid metrics expression: lists of time series of different lengths');
    }
    const at = (side: Value, place: number): Value =>
      side.kind === 'list' ? series(side.series[place] ?? new Map()) : side;
    return {
      kind: 'list',
      series: Array.from({ length: count }, (_, place) =>
        pointsOf(combine(at(left, place), at(right, place), combination)),
      ),
    };
  }
  if (left.kind === 'scalar' && right.kind === 'scalar') {
    const value = combination(left.value, right.value);
    if (value === undefined) throw new Error('Invalid metrics expression: a division by zero');
    return scalar(value);
  }
  const times = new Set([left, right].flatMap((side) => (side.kind === 'series' ? [...side.points.keys()] : [])));
  const at = (side: Value, time: number) => (side.kind === 'scalar' ? side.value : (pointsOf(side).get(time) ?? 0));
  return series(collect([...times].sort(ascending), (time) => combination(at(left, time), at(right, time))));
}

const ascending = (a: number, b: number) => a - b;

function collect(times: Iterable<number>, valueAt: (time: number) => number | undefined): Points {
  const points = new Map<number, number>();
  for (const time of times) {
    const value = valueAt(time);
    if (value !== undefined && Number.isFinite(value)) points.set(time, value);
  }
  return points;
}

function pointsOf(value: Value): Points {
  if (value.kind === 'series') return value.points;
  throw new Error('Invalid metrics expression: a time series is needed');
}

/** @throws Error for a number */
function allSeries(value: Value): readonly Points[] {
  if (value.kind === 'scalar') throw new Error('Invalid metrics expression: a list has time series only');
  return value.kind === 'series' ? [value.points] : value.series;
}

/** The value with a function applied to each series of it, or to the number. */
function each(value: Value, apply: (value: number) => number): Value {
  return value.kind === 'scalar'
    ? scalar(apply(value.value))
    : eachSeries(value, (points) => collect(points.keys(), (time) => apply(points.get(time) ?? 0)));
}

function eachSeries(value: Value, apply: (points: Points) => Points): Value {
  if (value.kind === 'list') return { kind: 'list', series: value.series.map(apply) };
  return series(apply(pointsOf(value)));
}

/** Of one series a number, of several one series, with what they have at each time that one of them has. */
function aggregate(value: Value, statistic: (values: number[], all: number) => number): Value {
  if (value.kind !== 'list') {
    const values = [...pointsOf(value).values()];
    return scalar(values.length === 0 ? 0 : statistic(values, values.length));
  }
  const times = new Set(value.series.flatMap((points) => [...points.keys()]));
  return series(
    collect([...times].sort(ascending), (time) =>
      statistic(
        value.series.flatMap((points) => points.get(time) ?? []),
        value.series.length,
      ),
    ),
  );
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

type Call = Extract<Expression, { kind: 'call' }>;
type Function = (given: { values: () => Value[]; of: (place: number) => Value } & Call, scope: Scope) => Value;

const functions: Readonly<Record<string, Function>> = {
  ABS: ({ of }) => each(of(0), Math.abs),
  AVG: ({ of }) => aggregate(of(0), (values, all) => sum(values) / all),
  CEIL: ({ of }) => each(of(0), Math.ceil),
  DATAPOINT_COUNT: ({ of }) => aggregate(of(0), (values) => values.length),
  DIFF: ({ of }) => eachSeries(of(0), (points) => changes(points, (change) => change)),
  FILL: ({ of, arguments: [, filler] }, scope) => fill(of(0), filler, scope),
  FIRST: ({ of }) => series(allSeries(of(0))[0] ?? new Map()),
  FLOOR: ({ of }) => each(of(0), Math.floor),
  IF: ({ values }, { times }) => choose(values(), times),
  LAST: ({ of }) => series(allSeries(of(0)).at(-1) ?? new Map()),
  MAX: ({ of }) => aggregate(of(0), (values) => Math.max(...values)),
  METRICS: ({ arguments: [part] }, { metrics }) => {
    const text = part === undefined ? '' : textOf(part);
    return { kind: 'list', series: metrics.filter(({ id }) => id.includes(text)).map(({ points }) => points) };
  },
  METRIC_COUNT: ({ of }) => scalar(allSeries(of(0)).length),
  MIN: ({ of }) => aggregate(of(0), (values) => Math.min(...values)),
  PERIOD({ of }) {
    const value = of(0);
    if (value.kind === 'series' && value.period !== undefined) return scalar(value.period);
    throw new Error('Invalid metrics expression: PERIOD is of a metric');
  },
  RATE: ({ of }) => eachSeries(of(0), (points) => changes(points, (change, seconds) => change / seconds)),
  REMOVE_EMPTY: ({ of }) => ({ kind: 'list', series: allSeries(of(0)).filter(({ size }) => size > 0) }),
  RUNNING_SUM: ({ of }) =>
    eachSeries(of(0), (points) => {
      let total = 0;
      return collect([...points.keys()].sort(ascending), (time) => {
        total += points.get(time) ?? 0;
        return total;
      });
    }),
  SUM: ({ of }) => aggregate(of(0), sum),
  TIME_SERIES({ of }, { times }) {
    const value = of(0);
    if (value.kind !== 'scalar') throw new Error('Invalid metrics expression: TIME_SERIES is of a number');
    return series(collect(times, () => value.value));
  },
};

function call(given: Call, scope: Scope): Value {
  const run = Object.hasOwn(functions, given.name) ? functions[given.name] : undefined;
  if (run === undefined) throw new Error(`Invalid metrics expression: the sandbox has no function ${given.name}`);
  const of = (place: number) => {
    const argument = given.arguments[place];
    if (argument === undefined) throw new Error(`Invalid metrics expression: ${given.name} needs an argument`);
    return evaluateExpression(argument, scope);
  };
  return run({ ...given, of, values: () => given.arguments.map((_, place) => of(place)) }, scope);
}

function textOf(expression: Expression): string {
  if (expression.kind === 'text') return expression.value;
  throw new Error('Invalid metrics expression: METRICS takes a text in quotes');
}

function changes(points: Points, of: (change: number, seconds: number) => number): Points {
  const times = [...points.keys()].sort(ascending);
  return collect(times.slice(1), (time) => {
    const before = times[times.indexOf(time) - 1] ?? time;
    return of((points.get(time) ?? 0) - (points.get(before) ?? 0), (time - before) / 1000);
  });
}

/** FILL with a number, a series, or REPEAT. */
function fill(value: Value, filler: Expression | undefined, scope: Scope): Value {
  if (filler === undefined) throw new Error('Invalid metrics expression: FILL needs a value');
  if (filler.kind === 'name' && filler.name === 'REPEAT') {
    return eachSeries(value, (points) => {
      let last: number | undefined;
      return collect(scope.times, (time) => {
        last = points.get(time) ?? last;
        return last;
      });
    });
  }
  const fillerValue = evaluateExpression(filler, scope);
  const at = (time: number) => (fillerValue.kind === 'scalar' ? fillerValue.value : pointsOf(fillerValue).get(time));
  return eachSeries(value, (points) => collect(scope.times, (time) => points.get(time) ?? at(time)));
}

/** IF: with a condition that is a series, it is decided for each time that this has; a chosen series without a value there is 0 when it holds, else nothing. */
function choose([condition, whenTrue, whenFalse]: readonly Value[], times: readonly number[]): Value {
  if (condition === undefined || whenTrue === undefined || condition.kind === 'list') {
    throw new Error('Invalid metrics expression: IF takes a condition, and one or two values');
  }
  if (condition.kind === 'scalar') {
    const chosen = condition.value === 0 ? whenFalse : whenTrue;
    if (chosen === undefined) return series(new Map());
    return chosen.kind === 'scalar' ? series(collect(times, () => chosen.value)) : chosen;
  }
  const at = (value: Value | undefined, time: number) =>
    value === undefined || value.kind === 'scalar' ? value?.value : pointsOf(value).get(time);
  return series(
    collect(condition.points.keys(), (time) =>
      condition.points.get(time) === 0 ? at(whenFalse, time) : (at(whenTrue, time) ?? 0),
    ),
  );
}

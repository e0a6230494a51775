import * as v from 'valibot';
import { parseExpression } from './expression-syntax.ts';

export interface Dashboards {
  /** Adds or replaces a dashboard. @throws Error for a body that CloudWatch or the sandbox does not take */
  put(name: string, body: string): void;
  has(name: string): boolean;
  delete(name: string): void;
  /** The body of a dashboard. @throws Error for one that does not exist */
  body(name: string): string;
}

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
/** Metrics stand in an array of an array: namespace, name, dimensions by name and value, and what to do with it; `.` is what stands above. */
const metric = v.pipe(
  v.array(v.union([v.string(), v.record(v.string(), v.unknown())])),
  v.minLength(1),
  v.check(
    (parts) => parts.slice(0, -1).every((part) => typeof part === 'string'),
    'only the last part may be an object',
  ),
  v.check((parts) => isReadable(parts.at(-1)), 'the expression is not valid'),
);
const widget = v.variant('type', [
  v.looseObject({
    type: v.literal('metric'),
    properties: v.looseObject({
      region: v.pipe(v.string(), v.minLength(1)),
      metrics: v.optional(v.pipe(v.array(metric), v.minLength(1), v.maxLength(500))),
      annotations: v.optional(v.record(v.string(), v.unknown())),
      view: v.optional(v.picklist(['timeSeries', 'singleValue', 'gauge', 'bar', 'pie', 'table'])),
      period: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
    }),
  }),
  v.looseObject({ type: v.literal('text'), properties: v.looseObject({ markdown: v.string() }) }),
  v.looseObject({
    type: v.literal('log'),
    properties: v.looseObject({ region: v.string(), query: v.pipe(v.string(), v.minLength(1)) }),
  }),
  v.looseObject({
    type: v.literal('alarm'),
    properties: v.looseObject({ alarms: v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(100)) }),
  }),
]);
const place = v.looseObject({
  x: v.optional(v.pipe(whole, v.maxValue(23))),
  y: v.optional(whole),
  width: v.optional(v.pipe(whole, v.minValue(1), v.maxValue(24)), 6),
  height: v.optional(v.pipe(whole, v.minValue(1), v.maxValue(1000)), 6),
});
/** CloudWatch API reference, "Dashboard body structure and syntax", as far as it is checked here. */
const bodySchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.looseObject({ widgets: v.pipe(v.array(v.intersect([place, widget])), v.maxLength(500)) }),
);

/** Whether a metric's expression can be read; a search is one that nothing else here has. */
function isReadable(last: unknown): boolean {
  if (typeof last !== 'object' || last === null || !('expression' in last)) return true;
  const { expression } = last;
  if (typeof expression !== 'string') return false;
  try {
    parseExpression(expression.replaceAll("'", '"'));
    return true;
  } catch {
    return false;
  }
}

/** The dashboards of an account, by name. */
export function createDashboards(): Dashboards {
  const bodies = new Map<string, string>();
  return {
    put(name, body) {
      if (!/^[\w-]{1,255}$/.test(name)) {
        // Recorded: localstack/localstack, `test_cloudwatch.snapshot.json`.
        throw new Error(
          'The value for field DashboardName contains invalid characters. It can only contain alphanumerics, dash (-) and underscore (_).',
        );
      }
      const read = v.safeParse(bodySchema, body);
      if (!read.success) {
        const [issue] = read.issues;
        throw new Error(
          `The field DashboardBody is not valid: /${(v.getDotPath(issue) ?? '').replaceAll('.', '/')} ${issue.message}`,
        );
      }
      bodies.set(name, body);
    },
    has: (name) => bodies.has(name),
    delete: (name) => void bodies.delete(name),
    body(name) {
      const body = bodies.get(name);
      if (body === undefined) throw new Error(`Dashboard ${name} does not exist`);
      return body;
    },
  };
}

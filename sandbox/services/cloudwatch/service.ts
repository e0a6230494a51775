import { type AccountRegion, account } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import type { Meter } from '../../core/meter.ts';
import type { Service } from '../../core/operation.ts';
import type { NewLines } from '../lambda/log-reader.ts';
import type { Publisher } from '../sns/topic-store.ts';
import { type AlarmStore, createAlarmStore } from './alarm-store.ts';
import { createDashboards, type Dashboards } from './dashboards.ts';
import { embeddedMetrics } from './emf.ts';
import { createEvaluation, type Evaluation } from './evaluation.ts';
import { createMetricStore, type MetricName, type Request } from './metric-store.ts';
import type { eventOf } from './notification.ts';
import { cloudWatchOperations } from './operations.ts';

export interface CloudWatch {
  service: Service;
  /** Takes what services count. */
  meter: Meter;
  alarms: AlarmStore;
  dashboards: Dashboards;
  /** Every change of an alarm's state so far, oldest first. */
  transitions: Evaluation['transitions'];
  /** Evaluates every alarm now, as is done each minute where alarms do not rest. */
  evaluate(): void;
  /** Every metric that has values so far, what functions have logged included. */
  metricNames(): readonly MetricName[];
  /** The values of a metric in the periods that have any, by the times at which these begin. */
  points(metric: MetricName, request: Request): ReadonlyMap<number, number>;
  /** What was wrong with lines of logs that are meant as metrics, and are none. */
  invalidLines(): readonly { functionName: string; message: string }[];
}

interface Options {
  clock: Clock;
  /** Default: where the onboarding is deployed. */
  home?: AccountRegion;
  /** Whether alarms are evaluated each minute; default: only when somebody calls `evaluate`. */
  evaluates?: boolean;
  /** What functions have logged since it was called last; default: nothing. */
  newLines?: () => readonly NewLines[];
  /** Reports what has a value at each minute, such as the length of a queue; default: nothing. */
  sample?: (meter: Meter) => void;
  /** Puts an event on the default bus; default: nobody hears of it. */
  publish?: (event: ReturnType<typeof eventOf>) => unknown;
  /** Publishes to a topic; returns why it did not take it. Default: there are no topics. */
  notify?: (topicArn: string, content: { subject: string; message: string }, by: Publisher) => string | undefined;
}

const minuteMs = 60_000;

/** CloudWatch: metrics, alarms and dashboards of an account in a Region. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/ */
export function createCloudWatch({
  clock,
  home = account,
  evaluates = false,
  newLines = () => [],
  sample = () => {},
  publish = () => {},
  notify = () => 'Topic does not exist',
}: Options): CloudWatch {
  const metrics = createMetricStore(clock);
  const store = createAlarmStore({ clock, home });
  const evaluation = createEvaluation({ clock, home, alarms: store, metrics, publish, notify });
  const invalid: { functionName: string; message: string }[] = [];
  let isTicking = false;

  /** Logs are read when somebody asks for metrics: a run that has no alarms pays nothing for them. */
  function collect(): void {
    for (const { functionName, lines } of newLines()) {
      for (const line of lines) read(functionName, line);
    }
  }

  function read(functionName: string, line: string): void {
    try {
      for (const { metric, unit, values, time } of embeddedMetrics(line) ?? [])
        metrics.add(metric, values, { unit, time });
    } catch (error) {
      // CloudWatch Logs user guide, "Monitoring with CloudWatch metrics".
      metrics.meter('AWS/Logs', { LogGroupName: `/aws/lambda/${functionName}` }, { EMFValidationErrors: 1 });
      invalid.push({ functionName, message: String(error) });
    }
  }

  function evaluate(): void {
    if (store.all().length === 0) return;
    collect();
    sample(metrics.meter);
    evaluation.evaluate();
  }

  /** Nothing happens each minute before there is an alarm. */
  function tick(): void {
    if (!evaluates || isTicking) return;
    isTicking = true;
    clock.every(minuteMs, evaluate);
  }

  const alarms: AlarmStore = {
    ...store,
    putMetricAlarm(settings) {
      store.putMetricAlarm(settings);
      tick();
    },
    putCompositeAlarm(settings) {
      store.putCompositeAlarm(settings);
      tick();
    },
  };
  return {
    service: {
      name: 'cloudwatch',
      protocol: 'json',
      operations: cloudWatchOperations({ home, alarms, metrics, evaluation, collect }),
    },
    meter: metrics.meter,
    alarms,
    dashboards: createDashboards(),
    transitions: evaluation.transitions,
    evaluate,
    metricNames() {
      collect();
      return metrics.names();
    },
    points(metric, request) {
      collect();
      return metrics.points(metric, request);
    },
    invalidLines() {
      collect();
      return invalid;
    },
  };
}

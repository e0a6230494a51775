import { type AccountRegion, account } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import type { Meter } from '../../core/meter.ts';
import { type AlarmStore, createAlarmStore } from './alarm-store.ts';
import { createDashboards, type Dashboards } from './dashboards.ts';
import { createMetricStore } from './metric-store.ts';

export interface CloudWatch {
  /** Takes what services count. */
  meter: Meter;
  alarms: AlarmStore;
  dashboards: Dashboards;
}

interface Options {
  clock: Clock;
  /** Default: where the onboarding is deployed. */
  home?: AccountRegion;
}

/** CloudWatch: metrics, alarms and dashboards of an account in a Region. */
export function createCloudWatch({ clock, home = account }: Options): CloudWatch {
  const metrics = createMetricStore(clock);
  return {
    meter: metrics.meter,
    alarms: createAlarmStore({ clock, home }),
    dashboards: createDashboards(),
  };
}

import { account } from '../../core/account.ts';
import type { PolicyDocument, Service } from '../../core/operation.ts';
import {
  type BusStoreParts,
  createBusStore,
  defaultBus,
  type Event,
  type NewEvent,
  type NewRule,
} from './bus-store.ts';
import { putEvents } from './put-events.ts';
import { ruleOperations } from './rule-operations.ts';

export interface Events {
  service: Service;
  /** @throws AwsError InvalidEventPatternException for a pattern that the sandbox cannot match */
  addRule(rule: NewRule): void;
  /** @throws AwsError ResourceNotFoundException */
  deleteRule(rule: Pick<NewRule, 'name' | 'bus'>): void;
  /** The rules of a bus. @throws AwsError ResourceNotFoundException for a bus that does not exist */
  rulesOf(bus: string): readonly NewRule[];
  /** Accepts an event that a rule elsewhere has forwarded; its account, Region, source and time stay as they are. */
  receive(event: Event, bus: string): void;
  /** Who may put events on a bus beside the account itself, from now on. @throws AwsError ResourceNotFoundException */
  setBusPolicy(bus: string, policy: PolicyDocument): void;
  removeBusPolicy(bus: string): void;
  /** The ARN of a bus of this name. */
  busArn(name: string): string;
  /** Undefined for a bus that accepts events of its account alone. */
  busPolicy(bus: string): PolicyDocument | undefined;
  /** A rule of the default bus with a schedule. */
  addSchedule(schedule: Omit<NewRule, 'eventPattern' | 'bus'> & { scheduleExpression: string }): void;
  /** Adds a bus beside the default one. Returns its ARN. @throws AwsError ResourceAlreadyExistsException */
  addBus(name: string): string;
  /** Deletes a bus, if there is one of this name. */
  deleteBus(name: string): void;
  /** Puts an event on the default bus, as AWS services do; the targets are called later. Returns the event. */
  publish(event: NewEvent): Event;
  /** Every event that was put on a bus, in order. */
  published(): readonly Event[];
}

type Options = Omit<BusStoreParts, 'home' | 'schedules'> & Partial<Pick<BusStoreParts, 'home' | 'schedules'>>;

/**
 * EventBridge's buses with rules for patterns and schedules: https://docs.aws.amazon.com/eventbridge/latest/APIReference/
 * By default schedules run, where the onboarding is deployed.
 */
export function createEvents({ schedules = true, home = account, ...parts }: Options): Events {
  const store = createBusStore({ ...parts, schedules, home });
  return {
    ...store,
    service: {
      name: 'events',
      protocol: 'json',
      operations: { PutEvents: putEvents(store), ...ruleOperations(store, home.accountId) },
    },
    publish: (event) => store.publish(event, defaultBus),
  };
}

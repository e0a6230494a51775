import * as v from 'valibot';

/** Where a function publishes the project's events. */
export const eventBusEnvironment = {
  /** The name of a bus in the deployment's account and Region: EventBridge takes events for one that does not exist, and drops them. */
  EVENT_BUS: v.pipe(
    v.string(),
    // The names of buses of partners begin so, on which only they put events (EventBridge API reference, CreateEventBus).
    v.regex(/^(?!aws\.)[\w./-]{1,256}$/, 'must be the name of an event bus: letters, digits and _./-'),
  ),
};

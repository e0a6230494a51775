import * as v from 'valibot';

/** What a function needs to know to start or describe executions of onboardings. */
export const machineEnvironment = { STATE_MACHINE_ARN: v.string() };

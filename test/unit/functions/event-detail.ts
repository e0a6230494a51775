import { expect } from 'vitest';

/** What every event of the project says, of an execution that was started directly. */
export const ofExecution = {
  schemaVersion: 1,
  eventKey: expect.stringMatching(/^[0-9a-f]{64}$/),
  requestedBy: 'unknown',
};

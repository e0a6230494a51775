import { setTimeout as wait } from 'node:timers/promises';
import { KeyPolicyBusy } from '../errors.ts';
import { readRoomVersion, reserve } from '../keys/reservations.ts';
import { type Place, type RoomDependencies, requireRoom } from './room.ts';

/** The pauses before the room is looked at again when somebody else has reserved some: on the average half of these. */
const racedMs = [100, 200, 400, 800, 1_600] as const;

/**
 * Reserves the place for as long as the execution runs, so that nobody else is promised the same: of two who want the last one, the second
 * is refused before anything is changed for it.
 * @throws KeyPolicyFull when somebody else has got it since the room was looked at
 * @throws KeyPolicyBusy when others reserve room on the key for as long as it is tried
 * @throws ExecutionSuperseded
 */
export async function reserveRoom(place: Place, executionArn: string, dependencies: RoomDependencies): Promise<void> {
  const { keyArn, userName, expectedRoleArn: roleArn } = place;
  const { registry, now } = dependencies;
  for (const pause of [...racedMs, undefined]) {
    const version = await readRoomVersion(registry, keyArn);
    if (!(await requireRoom(place, dependencies))) return;
    if (await reserve(registry, keyArn, { roleArn, userName, executionArn, version, now })) return;
    if (pause !== undefined) await wait(pause * Math.random());
  }
  throw new KeyPolicyBusy(`Many executions reserve room in the policy of key ${keyArn} at this moment`);
}

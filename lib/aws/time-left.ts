import { TooLittleTime } from '../errors.ts';

/**
 * Makes sure, before anything happens, that the function may run for as long as a call and what must follow on it can take.
 * @param remainingMs how long it may run yet
 * @param neededMs the most that they take
 * @param call for people: what is not done
 * @throws TooLittleTime
 */
export function requireTimeLeft(remainingMs: number, neededMs: number, call: string): void {
  if (remainingMs >= neededMs) return;
  const seconds = (milliseconds: number) => Math.floor(milliseconds / 1000);
  throw new TooLittleTime(
    `${call} was not called: the function had ${seconds(remainingMs)} s left, and it may need ${seconds(neededMs)} s`,
  );
}

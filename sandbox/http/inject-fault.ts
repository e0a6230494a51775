import type { Clock } from '../clock.ts';
import { type Fault, type Faults, isRead } from '../faults.ts';
import { AwsError, type Caller } from '../service.ts';

/** Thrown when the caller is to get no answer at all. */
export class LostAnswer extends Error {}

export interface Injector {
  /**
   * Performs a call of a service, or what the next fault of its operation makes of it.
   * @throws AwsError, LostAnswer
   */
  inject<Answer>(call: Call, perform: () => Answer | Promise<Answer>): Promise<Answer>;
}

interface Call {
  /** As in a fault's text: `cognito`, and not its endpoint's name. */
  service: string;
  operation: string;
  /** What tells calls of the operation apart. */
  input: unknown;
  caller: Caller | undefined;
}

interface Parts {
  clock: Clock;
  /** Who is spared: the person at the command, whose own calls are not what is tried. */
  spared: (caller: Caller) => boolean;
  faults: Faults;
  /** Ends the function that called, or every one that runs when nobody knows which it was. */
  killFunction: (caller: Caller | undefined) => void;
}

/** Puts faults between callers and services. */
export function createInjector({ clock, faults, killFunction, spared }: Parts): Injector {
  const answers = new Map<string, unknown>();

  return {
    async inject<Answer>({ service, operation, input, caller }: Call, perform: () => Answer | Promise<Answer>) {
      if (caller !== undefined && spared(caller)) return perform();
      const key = `${service}:${operation}:${JSON.stringify(input)}`;
      // Each key's answers are of one call, and so of its type.
      const before = answers.get(key) as Answer | undefined;
      const fault = faults.take(service, operation);
      await beforeCall(fault, service);
      const answer = await perform();
      switch (fault?.kind) {
        case 'drop':
          throw new LostAnswer();
        case 'kill':
          killFunction(caller);
          throw new LostAnswer();
        case 'stale':
          return before ?? answer;
        default:
          if (isRead(operation)) answers.set(key, answer);
          return answer;
      }
    },
  };

  async function beforeCall(fault: Fault | undefined, service: string): Promise<void> {
    if (fault?.kind === 'throttle')
      throw new AwsError(throttlingCodes[service] ?? 'ThrottlingException', 'Rate exceeded');
    if (fault?.kind === 'delay') await clock.sleep(fault.milliseconds);
    if (fault?.kind === 'error') {
      const isServers = /^Internal|^Service/.test(fault.name);
      throw new AwsError(fault.name, 'A fault was asked for', isServers ? 500 : 400);
    }
  }
}

/** What services call it when they are called too often; elsewhere it is ThrottlingException. */
const throttlingCodes: Readonly<Record<string, string>> = {
  cloudformation: 'Throttling',
  iam: 'Throttling',
  cognito: 'TooManyRequestsException',
};

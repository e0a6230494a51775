import { type Fault, type Faults, isRead } from '../core/faults.ts';
import { AwsError, type Caller } from '../core/operation.ts';
import type { Rates } from './rates.ts';

/** Thrown when the caller is to get no answer at all. */
export class LostAnswer extends Error {}

/** A call as it was made, for who wants to know what a function does. */
export interface MadeCall {
  service: string;
  operation: string;
  /** The function that made it; undefined when nobody knows. */
  functionName: string | undefined;
  /** It was one too many, and refused for it; of a batch, some of it. */
  isThrottled?: true;
  /** The invocation in which it was made, such as `obtain-token#3`; undefined when nobody knows. */
  invocation: string | undefined;
  /** Which try of the client's this is. */
  attempt: number;
}

export interface Injector {
  /**
   * Performs a call of a service, or what the next fault of its operation makes of it.
   * @param perform a service that counts more than calls learns here whether the caller is spared, and says when a call was one too many
   * @throws AwsError, LostAnswer
   */
  inject<Answer>(call: Call, perform: (how: How) => Answer | Promise<Answer>): Promise<Answer>;
  /** Every call that was made so far, in order. */
  calls(): readonly MadeCall[];
}

interface How {
  /** Whether no rates count for the call. */
  isSpared: boolean;
  /** The call was one too many, and some or all of it refused for that. */
  onThrottled(): void;
}

interface Call {
  /** As in a fault's text: `cognito`, and not its endpoint's name. */
  service: string;
  operation: string;
  /** What distinguishes calls of the operation. */
  input: unknown;
  caller: Caller | undefined;
  /** Which try of the client's this is, as far as it says so. */
  attempt: number;
}

interface Parts {
  /** A call is held from now on. */
  onHold: () => void;
  /** Lets time pass while a call is under way. */
  delay: (milliseconds: number) => Promise<void>;
  /** Who is spared: the person at the command, whose own calls are not what is tried. */
  spared: (caller: Caller) => boolean;
  faults: Faults;
  /** How often operations may be called; undefined: as often as anybody likes. */
  rates: Rates | undefined;
  /** The function whose session calls. */
  functionOf: (caller: Caller | undefined) => string | undefined;
  /** The invocation that calls: of this function, or of whichever runs. */
  invocationOf: (functionName: string | undefined) => string | undefined;
  /** Ends the function that called, or every one that runs when nobody knows which it was. */
  kill: (functionName: string | undefined) => void;
}

/** Puts faults between callers and services. */
export function createInjector(parts: Parts): Injector {
  const { delay, faults, functionOf, invocationOf, kill, onHold, rates, spared } = parts;
  const answers = new Map<string, unknown>();
  const calls: MadeCall[] = [];

  return {
    calls: () => calls,
    async inject<Answer>(call: Call, perform: (how: How) => Answer | Promise<Answer>) {
      const { service, operation, input, caller, attempt } = call;
      if (caller !== undefined && spared(caller)) return perform({ isSpared: true, onThrottled() {} });
      const key = `${service}:${operation}:${JSON.stringify(input)}`;
      // Each key's answers are of one call, and so of its type.
      const before = answers.get(key) as Answer | undefined;
      const functionName = functionOf(caller);
      const made: MadeCall = { service, operation, functionName, invocation: invocationOf(functionName), attempt };
      calls.push(made);
      if (rates?.take(service, operation, caller) === false) {
        made.isThrottled = true;
        throw throttled(service);
      }
      const fault = faults.take(service, operation, functionName);
      await beforeCall(fault, service);
      const answer = await perform({
        isSpared: false,
        onThrottled() {
          made.isThrottled = true;
        },
      });
      switch (fault?.kind) {
        case 'drop':
          throw new LostAnswer();
        case 'kill':
          kill(functionName);
          throw new LostAnswer();
        case 'error':
          throw new AwsError(fault.name, 'A fault was asked for', 504);
        case 'stale':
          return before ?? answer;
        default:
          if (isRead(operation) && made.isThrottled === undefined) answers.set(key, answer);
          return answer;
      }
    },
  };

  async function beforeCall(fault: Fault | undefined, service: string): Promise<void> {
    if (fault?.kind === 'throttle') throw throttled(service);
    if (fault?.kind === 'delay') await delay(fault.milliseconds);
    if (fault?.kind === 'hold') {
      onHold();
      await fault.until;
    }
    if (fault?.kind === 'error' && !isAfterEffect(fault)) {
      const isServers = /^(KMS)?Internal|^Service|^DependencyTimeout/.test(fault.name);
      throw new AwsError(fault.name, fault.message ?? 'A fault was asked for', isServers ? 500 : 400);
    }
  }
}

/** Whether the call has its effect although its answer is an error. */
const isAfterEffect = ({ name }: { name: string }) => name === 'EndpointTimedOut';

const throttled = (service: string) => new AwsError(throttlingCodes[service] ?? 'ThrottlingException', 'Rate exceeded');

/** What services call it when they are called too often; elsewhere it is ThrottlingException. */
const throttlingCodes: Readonly<Record<string, string>> = {
  cloudformation: 'Throttling',
  iam: 'Throttling',
  sts: 'Throttling',
  s3: 'SlowDown',
  cognito: 'TooManyRequestsException',
};

// The AWS of a registry in this process: a clock that only waits move, and the rates of most Regions.
import { setTimeout as wait } from 'node:timers/promises';
import { clientConfig } from '../../lib/aws/clients.ts';
import { createRates } from '../../sandbox/http/rates.ts';
import { followClock, type WorkerTime } from '../../sandbox/services/lambda/worker-time.ts';

/** When the first measurement begins. */
export const now = new Date('2026-01-01T12:00:00.000Z');
/** How long a call takes. */
const callMs = 5;
const caller = { accountId: '111111111111', region: 'ap-southeast-2' };

let time = now.getTime();
let atWork = 0;
let following: WorkerTime | undefined;

/** From now on `Date` and timers of this process are of a time that goes on when everything waits for it. */
export function beginTime(): void {
  following = followClock({
    now: () => time,
    standsStill: () => true,
    owner: () => undefined,
    isRunning: () => atWork === 0,
    isDropped: () => false,
    onAsleep(due) {
      if (Number.isFinite(due)) advance(due - time);
    },
    onAwake() {},
  });
}

/** Lets so much time pass. */
export function advance(milliseconds: number): void {
  time += Math.max(0, Math.ceil(milliseconds));
  following?.runDue();
}

const rates = createRates({ now: () => time });

/** Whether the rates let another call through. */
export const isWithinRate = (service: string, operation: string): boolean => rates.take(service, operation, caller);

/** What was refused so far because it was too much. */
export const refused = { calls: 0 };

interface Answer {
  status: number;
  body: string;
  /** Whether something of the call was too much. */
  isThrottled?: boolean;
}

/** What stands for the service behind a client of the SDK: takes the operation and its input. */
type Serve = (operation: string, input: unknown, headers: Record<string, string>) => Promise<Answer>;

export const answerOf = (body: object): Answer => ({ status: 200, body: JSON.stringify(body) });

/** The configuration of a client whose calls are served in the process, and take some time. */
export function served(service: string, serve: Serve, config = clientConfig) {
  return {
    ...config,
    ...{ region: caller.region, credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' } },
    signer: async () => ({
      async sign<Request extends { headers: Record<string, string> }>(request: Request): Promise<Request> {
        const authorization = 'AWS4-HMAC-SHA256 Credential=bench, SignedHeaders=host, Signature=none';
        return { ...request, headers: { ...request.headers, 'x-amz-date': '20260101T000000Z', authorization } };
      },
    }),
    requestHandler: {
      async handle({ headers, body }: { headers: Record<string, string>; body: string | Uint8Array }) {
        const [, operation = ''] = headers['x-amz-target']?.split('.') ?? [];
        const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
        const input: unknown = JSON.parse(text);
        const answer = await answered(service, operation, () => serve(operation, input, headers));
        return { response: { statusCode: answer.status, headers: {}, body: new TextEncoder().encode(answer.body) } };
      },
    },
  };
}

async function answered(service: string, operation: string, work: () => Promise<Answer>): Promise<Answer> {
  atWork += 1;
  const answer = await (isWithinRate(service, operation) ? work() : tooMany()).finally(() => {
    atWork -= 1;
    following?.check();
  });
  if (answer.isThrottled) refused.calls += 1;
  await wait(callMs);
  return answer;
}

const tooMany = async (): Promise<Answer> => ({
  status: 400,
  body: JSON.stringify({ __type: 'ThrottlingException', message: 'Rate exceeded' }),
  isThrottled: true,
});

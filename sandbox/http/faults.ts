import * as v from 'valibot';
import { type Faults, parseFault, textOfFault } from '../core/faults.ts';
import type { Answer } from './protocols.ts';

/** Where faults are added to a running sandbox, listed and removed. No service of AWS has such a path. */
export const faultsPath = '/sandbox/faults';

const bodySchema = v.pipe(v.string(), v.parseJson(), v.strictObject({ faults: v.array(v.string()) }));

/**
 * Answers a call of `faultsPath`: POST `{"faults": ["service:Operation:kind[:times]", …]}` adds all of them or, when one is wrong,
 * none; GET lists, DELETE removes. Each answer has the faults that are still to happen; a refused one has `{error: {name, message}}`.
 */
export function answerFaults({ method, body }: { method: string; body: string }, faults: Faults): Answer {
  switch (method) {
    case 'GET':
      break;
    case 'DELETE':
      faults.clear();
      break;
    case 'POST': {
      const parsed = v.safeParse(bodySchema, body);
      if (!parsed.success) return refusal('The body must be {"faults": ["service:Operation:kind[:times]", …]}', 400);
      try {
        for (const rule of parsed.output.faults.map(parseFault)) faults.add(rule);
      } catch (error) {
        return refusal(error instanceof Error ? error.message : String(error), 400);
      }
      break;
    }
    default:
      return refusal(`${faultsPath} takes POST, GET and DELETE, not ${method}`, 405);
  }
  return answer(200, { faults: faults.list().map(textOfFault) });
}

const refusal = (message: string, status: number) => answer(status, { error: { name: 'InvalidRequest', message } });

const answer = (status: number, content: object): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(content),
});

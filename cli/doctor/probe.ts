import * as v from 'valibot';
import { askFunction } from '../aws/functions.ts';
import { CommandError } from '../command-error.ts';
import type { At } from './finding.ts';

/** A fault that a plan has found. */
export interface PlanFault {
  name: string;
  message: string;
  remedy: string;
}

/** Nobody's name: what is planned is compared with what there is of it. */
const subscriber = { userName: 'doctor-probe', emailId: 'doctor@example.com' };

/**
 * The faults that the first step of an onboarding would find, by its own checks and with the deployment's own rights. Nothing is changed.
 * @param rest of the request
 */
export async function planFaults(rest: object, at: At): Promise<PlanFault[]> {
  try {
    await askFunction('plan-request', { body: { request: { subscriber, ...rest } } }, at);
    return [];
  } catch (error) {
    if (!(error instanceof CommandError) || error.step !== null || /^AccessDenied/.test(error.name)) throw error;
    const known = v.safeParse(faultsSchema, error);
    const { name, message, remedy } = error;
    return known.success && known.output.errors.length > 0
      ? known.output.errors.map((each) => ({
          name: each.name ?? name,
          message: each.rule,
          remedy: each.remedy ?? remedy,
        }))
      : [{ name, message, remedy }];
  }
}

const faultsSchema = v.object({
  errors: v.array(v.object({ name: v.optional(v.string()), rule: v.string(), remedy: v.optional(v.string()) })),
});

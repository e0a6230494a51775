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
    const { name, message, remedy, errors = [] } = error;
    if (errors.length === 0) return [{ name, message, remedy }];
    return errors.map((each) => ({ name: each.name ?? name, message: each.rule, remedy: each.remedy ?? remedy }));
  }
}

import * as v from 'valibot';
import { infinstorEnvironment } from '../shared/infinstor-environment.ts';

export const environmentSchema = v.object(infinstorEnvironment);
export type Environment = v.InferOutput<typeof environmentSchema>;

import * as v from 'valibot';
import { infinstorApiEnvironment } from '../shared/infinstor-environment.ts';

export const environmentSchema = v.object(infinstorApiEnvironment);
export type Environment = v.InferOutput<typeof environmentSchema>;

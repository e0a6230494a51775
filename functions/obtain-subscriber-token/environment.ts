import * as v from 'valibot';
import { infinstorEnvironment } from '../../lib/infinstor/environment.ts';

export const environmentSchema = v.object(infinstorEnvironment);
export type Environment = v.InferOutput<typeof environmentSchema>;

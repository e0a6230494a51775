import * as v from 'valibot';
import { infinstorApiEnvironment } from '../../lib/infinstor/environment.ts';

export const environmentSchema = v.object(infinstorApiEnvironment);
export type Environment = v.InferOutput<typeof environmentSchema>;

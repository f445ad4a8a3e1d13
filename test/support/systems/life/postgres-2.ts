import { lifeOf } from './life.ts';

export const life = lifeOf('postgres', 2, import.meta.url);
export const { system } = life;

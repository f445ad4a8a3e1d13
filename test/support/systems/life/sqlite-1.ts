import { lifeOf } from './life.ts';

export const life = lifeOf('sqlite', 1, import.meta.url);
export const { system } = life;

-- Apply one worker's changes in order; return {had a lease, outcomes}.
-- ARGV[3]: worker, ARGV[4]: lease ms, ARGV[5]: JSON list of {o, s, c?, u?, i?}.
local worker = ARGV[3]
local held = occupy_worker(worker, tonumber(ARGV[4]))
for _, op in ipairs(cjson.decode(ARGV[5])) do
  if op.o == '+' and op.c then
    subscribe(worker, op.s, op.c, op.u, op.i)
  elseif op.o == '+' then
    connect(worker, op.s, op.u)
  elseif op.c then
    unsubscribe(worker, op.s, op.c, GRACE_MS)
  else
    disconnect(worker, op.s, op.u)
  end
end
return {held, outcomes}

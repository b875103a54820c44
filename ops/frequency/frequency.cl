// frequency.cl: integer frequencies of total 2^24 from logits, and what coder, sampler and digest read from them
//   z         K floats a row      children  how many leading ones are reachable (has_children 0: all K)
//   f         K words a row; the weights w stand in it between the passes
//   global    frequency, interval, find: ceil(rows / per) work-items, one dimension, `per` rows each; any local size
//             frequency_group: GROUP work-items a row, local size GROUP
//             digest: parts x items work-items, then digest_total, one an item
// Maxima and integer sums are free of order, so every shape of launch gives the same words.
#ifndef GROUP
#define GROUP 64            // work-items a row in frequency_group; a power of two
#endif
#ifndef ARDM_EXACT          // alone, without the prelude (syntax checks)
#pragma OPENCL FP_CONTRACT OFF
#define ardm_bits(x) as_uint(x)
#define ardm_mul(a, b) fma(a, b, -0.0f)
#endif

constant uint frequency_t1[64] = {
    1073741824u, 1062175491u, 1050733751u, 1039415261u, 1028218693u, 1017142735u, 1006186087u, 995347464u,
    984625594u, 974019220u, 963527098u, 953147997u, 942880699u, 932724001u, 922676710u, 912737649u,
    902905651u, 893179563u, 883558244u, 874040567u, 864625413u, 855311680u, 846098274u, 836984114u,
    827968132u, 819049271u, 810226483u, 801498734u, 792865000u, 784324269u, 775875538u, 767517817u,
    759250125u, 751071493u, 742980960u, 734977579u, 727060411u, 719228525u, 711481005u, 703816941u,
    696235434u, 688735596u, 681316545u, 673977412u, 666717336u, 659535466u, 652430958u, 645402981u,
    638450708u, 631573326u, 624770026u, 618040012u, 611382493u, 604796689u, 598281827u, 591837143u,
    585461881u, 579155293u, 572916640u, 566745190u, 560640218u, 554601009u, 548626854u, 542717053u,
};
constant uint frequency_t2[64] = {
    1073741824u, 1073560135u, 1073378477u, 1073196849u, 1073015252u, 1072833686u, 1072652151u, 1072470646u,
    1072289173u, 1072107729u, 1071926317u, 1071744935u, 1071563584u, 1071382264u, 1071200974u, 1071019715u,
    1070838486u, 1070657289u, 1070476122u, 1070294985u, 1070113879u, 1069932804u, 1069751760u, 1069570746u,
    1069389763u, 1069208810u, 1069027888u, 1068846997u, 1068666136u, 1068485306u, 1068304506u, 1068123737u,
    1067942999u, 1067762291u, 1067581614u, 1067400968u, 1067220351u, 1067039766u, 1066859211u, 1066678687u,
    1066498193u, 1066317730u, 1066137297u, 1065956895u, 1065776523u, 1065596182u, 1065415871u, 1065235591u,
    1065055341u, 1064875122u, 1064694933u, 1064514775u, 1064334647u, 1064154550u, 1063974484u, 1063794447u,
    1063614442u, 1063434466u, 1063254521u, 1063074607u, 1062894723u, 1062714869u, 1062535046u, 1062355254u,
};

// Ascending with the value; NaN is least, so that it neither wins nor depends on the order of comparisons.
static uint frequency_key(const float z) {
    const uint u = ardm_bits(z);
    const uint key = (u & 0x7fffffffu) == 0 ? 0x80000000u : (u >> 31) ? ~u : u | 0x80000000u;
    return (u & 0x7fffffffu) > 0x7f800000u ? 0u : key;
}

static uint frequency_weight(const float d) {
    float u = ardm_mul(d, 0x1.715476p+12f);
    u = u < 122879.0f ? u : 122879.0f;
    const uint q = ardm_bits(u + 0x1p23f) & 0x7fffffu;
    const ulong product = (ulong)frequency_t1[(q >> 6) & 63u] * frequency_t2[q & 63u] + (1ul << 29);
    return (uint)(product >> 30) >> (q >> 12);
}

static int frequency_reach(const int k, const int has_children, global const int *children, const int row) {
    return has_children ? clamp(children[row], 0, k) : k;
}

kernel void frequency(global const float *z, global const int *children, global uint *f, const int rows, const int k, const int has_children,
                      const int per) {
    const int begin = (int)get_global_id(0) * per;
    for (int row = begin; row < min(begin + per, rows); row++) {
        global const float *x = z + (long)row * k;
        global uint *y = f + (long)row * k;
        const int n = frequency_reach(k, has_children, children, row);
        int a = 0;
        uint best = 0;
        for (int j = 0; j < n; j++) {
            const uint key = frequency_key(x[j]);
            a = key > best ? j : a;
            best = max(best, key);
        }
        ulong total = 0;
        for (int j = 0; j < n; j++) {
            const uint w = j == a ? 1u << 30 : frequency_weight(x[a] - x[j]);
            y[j] = w;
            total += w;
        }
        const ulong scale = total ? ((ulong)((1u << 24) - (uint)n) << 40) / total : 0;
        uint sum = 0;
        for (int j = 0; j < n; j++) {
            const uint v = 1u + (uint)((y[j] * scale) >> 40);
            y[j] = v;
            sum += v;
        }
        for (int j = n; j < k; j++) y[j] = 0;
        if (n) y[a] += (1u << 24) - sum;
    }
}

// Folds in local memory; the highest key wins, among equals the lowest index.
kernel void __attribute__((reqd_work_group_size(GROUP, 1, 1)))
frequency_group(global const float *z, global const int *children, global uint *f, const int k, const int has_children) {
    local uint keys[GROUP];
    local int places[GROUP];
    local ulong sums[GROUP];
    const int row = (int)get_group_id(0), lid = (int)get_local_id(0);
    global const float *x = z + (long)row * k;
    global uint *y = f + (long)row * k;
    const int n = frequency_reach(k, has_children, children, row);
    uint best = 0;
    int a = 0;
    for (int j = lid; j < n; j += GROUP) {
        const uint key = frequency_key(x[j]);
        a = key > best ? j : a;
        best = max(best, key);
    }
    keys[lid] = best;
    places[lid] = best ? a : INT_MAX;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int half_ = GROUP / 2; half_ > 0; half_ /= 2) {
        if (lid < half_) {
            const uint other = keys[lid + half_];
            const int place = places[lid + half_];
            if (other > keys[lid] || (other == keys[lid] && place < places[lid])) {
                keys[lid] = other;
                places[lid] = place;
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    a = keys[0] ? places[0] : 0;
    ulong total = 0;
    for (int j = lid; j < n; j += GROUP) {
        const uint w = j == a ? 1u << 30 : frequency_weight(x[a] - x[j]);
        y[j] = w;
        total += w;
    }
    sums[lid] = total;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int half_ = GROUP / 2; half_ > 0; half_ /= 2) {
        if (lid < half_) sums[lid] += sums[lid + half_];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    total = sums[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    const ulong scale = total ? ((ulong)((1u << 24) - (uint)n) << 40) / total : 0;
    ulong sum = 0;
    for (int j = lid; j < n; j += GROUP) {
        const uint v = 1u + (uint)((y[j] * scale) >> 40);
        y[j] = v;
        sum += v;
    }
    for (int j = n + lid; j < k; j += GROUP) y[j] = 0;
    sums[lid] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int half_ = GROUP / 2; half_ > 0; half_ /= 2) {
        if (lid < half_) sums[lid] += sums[lid + half_];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    // y[a] was written by this same work-item.
    if (n && lid == a % GROUP) y[a] += (1u << 24) - (uint)sums[0];
}

kernel void interval(global const uint *f, global const int *target, global uint *out, const int rows, const int k, const int per) {
    const int begin = (int)get_global_id(0) * per;
    for (int row = begin; row < min(begin + per, rows); row++) {
        const int t = target[row];
        uint start = 0;
        const int known = t >= 0 && t < k;
        for (int j = 0; known && j < t; j++) start += f[(long)row * k + j];
        out[2 * (long)row] = start;
        out[2 * (long)row + 1] = known ? f[(long)row * k + t] : 0u;
    }
}

kernel void find(global const uint *f, global const uint *slot, global int *out, const int rows, const int k, const int per) {
    const int begin = (int)get_global_id(0) * per;
    for (int row = begin; row < min(begin + per, rows); row++) {
        const uint s = slot[row];
        uint end = 0;
        int found = -1;
        for (int j = 0; j < k && found < 0; j++) {
            end += f[(long)row * k + j];
            found = s < end ? j : -1;
        }
        out[row] = found;
    }
}

static uint mix32(const uint a, const uint b) {
    uint h = a * 0x9e3779b1u + b;
    h = (h ^ (h >> 16)) * 0x85ebca6bu;
    h = (h ^ (h >> 13)) * 0xc2b2ae35u;
    return h ^ (h >> 16);
}

kernel void digest(global const uint *f, global const int *index, global uint *partial, const int rows, const int k, const int per) {
    const int item = (int)get_global_id(1), begin = (int)get_global_id(0) * per;
    uint sum = 0;
    for (int row = begin; row < min(begin + per, rows); row++) {
        const long at = (long)item * rows + row;
        const uint r = (uint)index[at];
        if (index[at] < 0) continue;
        for (int j = 0; j < k; j++) {
            const uint v = f[at * k + j];
            sum += v ? mix32(4096u * r + (uint)j, v) : 0u;
        }
    }
    partial[get_global_id(1) * get_global_size(0) + get_global_id(0)] = sum;
}

kernel void digest_total(global const uint *partial, global uint *out, const int parts) {
    uint sum = 0;
    for (int i = 0; i < parts; i++) sum += partial[get_global_id(0) * parts + i];
    out[get_global_id(0)] = sum;
}

// The Go client as a peer; words and fields as in ../measure.ts.
//
// Options are the client's defaults but for those that every peer of the comparison is told.
package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

var (
	what   = "drain"
	values = map[string]string{}
	unique = fmt.Sprintf("%d_%d", os.Getpid(), time.Now().UnixNano())
)

func text(name, fallback string) string {
	if value, ok := values[name]; ok {
		return value
	}
	return fallback
}

func number(name string, fallback int) int {
	value, err := strconv.Atoi(text(name, strconv.Itoa(fallback)))
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "Cannot", what, err)
		os.Exit(1)
	}
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(usage.Utime.Sec+usage.Stime.Sec) + float64(usage.Utime.Usec+usage.Stime.Usec)/1e6
}

func memoryMib(field string) int {
	status, err := os.ReadFile("/proc/self/status")
	check(err)
	for _, line := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(line, field+":") {
			kib, _ := strconv.Atoi(strings.Fields(line)[1])
			return kib / 1024
		}
	}
	return 0
}

func rounded(value float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(value*scale) / scale
}

func report(n int, secs, cpuSecs float64, more map[string]any) {
	line := map[string]any{
		"peer": "go", "what": what, "topic": text("topic", ""), "n": n,
		"secs": rounded(secs, 4), "rate": math.Round(float64(n) / secs),
		"cpu_s": rounded(cpuSecs, 3), "cpu_us_per_msg": rounded(cpuSecs*1e6/float64(n), 2),
		"rss_mib": memoryMib("VmRSS"), "hwm_mib": memoryMib("VmHWM"),
	}
	for name, value := range more {
		line[name] = value
	}
	encoded, err := json.Marshal(line)
	check(err)
	fmt.Println(string(encoded))
}

func percentiles(times []time.Duration, more map[string]any) map[string]any {
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	at := func(share float64) int64 { return times[int(float64(len(times)-1)*share)].Microseconds() }
	more["p50_us"], more["p90_us"], more["p99_us"], more["max_us"] = at(0.5), at(0.9), at(0.99), at(1)
	return more
}

func nameServers() primitive.NamesrvAddr {
	return strings.Split(text("ns", "127.0.0.1:19876"), ";")
}

func newProducer() rocketmq.Producer {
	p, err := rocketmq.NewProducer(
		producer.WithNameServer(nameServers()),
		producer.WithGroupName("PG_go_"+unique),
		producer.WithInstanceName("producer"),
	)
	check(err)
	check(p.Start())
	return p
}

func newConsumer(options ...consumer.Option) rocketmq.PushConsumer {
	c, err := rocketmq.NewPushConsumer(append(options,
		consumer.WithNameServer(nameServers()),
		consumer.WithGroupName("CG_go_"+unique),
		consumer.WithInstance("consumer"),
		consumer.WithConsumeGoroutineNums(number("slots", 20)),
	)...)
	check(err)
	return c
}

func drain() {
	n, pull := number("n", 200000), number("pull", 32)
	seen := make([]int32, n)
	var distinct, repeated, bytes, firstAt, firstCpu int64
	var lastAt time.Time
	var lastCpu float64
	done := make(chan struct{})
	c := newConsumer(
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
		consumer.WithPullBatchSize(int32(pull)),
	)
	startedAt := time.Now()
	take := func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		if atomic.LoadInt64(&firstAt) == 0 && atomic.CompareAndSwapInt64(&firstAt, 0, int64(time.Since(startedAt))) {
			atomic.StoreInt64(&firstCpu, int64(cpuSeconds()*1e6))
		}
		for _, message := range messages {
			atomic.AddInt64(&bytes, int64(len(message.Body)))
			if !atomic.CompareAndSwapInt32(&seen[binary.BigEndian.Uint32(message.Body[4:])], 0, 1) {
				atomic.AddInt64(&repeated, 1)
			} else if atomic.AddInt64(&distinct, 1) == int64(n) {
				lastAt, lastCpu = time.Now(), cpuSeconds()
				close(done)
			}
		}
		return consumer.ConsumeSuccess, nil
	}
	check(c.Subscribe(text("topic", ""), consumer.MessageSelector{}, take))
	check(c.Start())
	select {
	case <-done:
	case <-time.After(time.Duration(number("limit", 120)) * time.Second):
		check(fmt.Errorf("%d came in time", atomic.LoadInt64(&distinct)))
	}
	time.Sleep(200 * time.Millisecond)
	first := time.Duration(firstAt)
	report(n, lastAt.Sub(startedAt).Seconds()-first.Seconds(), lastCpu-float64(firstCpu)/1e6, map[string]any{
		"repeated": atomic.LoadInt64(&repeated), "body_bytes": atomic.LoadInt64(&bytes),
		"start_to_first_s": rounded(first.Seconds(), 2), "mode": "listener", "pull": pull,
	})
}

func send() {
	n, inflight := number("n", 20000), number("inflight", 16)
	body := make([]byte, number("size", 1024))
	for i := range body {
		body[i] = byte(i * 31)
	}
	p := newProducer()
	var refused int64
	many := func(total int) []time.Duration {
		times := make([]time.Duration, total)
		slots := make(chan struct{}, inflight)
		var pending sync.WaitGroup
		for i := range total {
			slots <- struct{}{}
			pending.Add(1)
			at := time.Now()
			answered := func(_ context.Context, result *primitive.SendResult, err error) {
				times[i] = time.Since(at)
				if err != nil || result.Status != primitive.SendOK {
					atomic.AddInt64(&refused, 1)
				}
				<-slots
				pending.Done()
			}
			check(p.SendAsync(context.Background(), answered, primitive.NewMessage(text("topic", ""), body)))
		}
		pending.Wait()
		return times
	}
	many(number("warm", 1000))
	cpu, at := cpuSeconds(), time.Now()
	times := many(n)
	secs, cpuSecs := time.Since(at).Seconds(), cpuSeconds()-cpu
	report(n, secs, cpuSecs, percentiles(times, map[string]any{"inflight": inflight, "refused": refused}))
}

func latency() {
	rate := number("rate", 500)
	total := rate * number("secs", 10)
	base := time.Now()
	var lock sync.Mutex
	var times []time.Duration
	counts := false
	c := newConsumer(consumer.WithConsumeFromWhere(consumer.ConsumeFromLastOffset))
	take := func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		now := time.Since(base)
		lock.Lock()
		defer lock.Unlock()
		for _, message := range messages {
			took := now - time.Duration(binary.BigEndian.Uint64(message.Body))
			if counts && took > 0 && took < time.Minute {
				times = append(times, took)
			}
		}
		return consumer.ConsumeSuccess, nil
	}
	check(c.Subscribe(text("topic", ""), consumer.MessageSelector{}, take))
	check(c.Start())
	p := newProducer()
	time.Sleep(time.Duration(number("settle", 5000)) * time.Millisecond)
	sendMany := func(count int) {
		startedAt := time.Now()
		for i := range count {
			time.Sleep(time.Until(startedAt.Add(time.Duration(i) * time.Second / time.Duration(rate))))
			body := make([]byte, 1024)
			binary.BigEndian.PutUint64(body, uint64(time.Since(base)))
			_, err := p.SendSync(context.Background(), primitive.NewMessage(text("topic", ""), body))
			check(err)
		}
	}
	sendMany(rate * 3)
	time.Sleep(500 * time.Millisecond)
	lock.Lock()
	counts = true
	lock.Unlock()
	cpu, at := cpuSeconds(), time.Now()
	sendMany(total)
	secs := time.Since(at).Seconds()
	time.Sleep(time.Second)
	cpuSecs := cpuSeconds() - cpu
	lock.Lock()
	defer lock.Unlock()
	report(len(times), secs, cpuSecs, percentiles(times, map[string]any{"sent": total}))
}

func main() {
	rlog.SetLogLevel("error")
	what = os.Args[1]
	for _, word := range os.Args[2:] {
		name, value, _ := strings.Cut(word, "=")
		values[name] = value
	}
	jobs := map[string]func(){"drain": drain, "send": send, "latency": latency}
	jobs[what]()
	os.Exit(0) // the clients' goroutines are not waited for
}

// JeroMQ 0.3, which speaks ZMTP 2.0, behind the command line of the peers: its roles of interoperation.
//
// What is said, sent and expected is that of `peer_line` (`line/src/interop.rs`), which says why.

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

import org.zeromq.ZMQ;

/** A peer: `java Peer ROLE ENDPOINT BIND|CONNECT SIZE COUNT [--within SECONDS]`. */
public final class Peer {
    /** Sizes around the limits of inline storage, of the short frame, and of a buffer. */
    private static final int[] SIZES = {0, 1, 30, 31, 255, 256, 65536};
    private static final byte[] SYNC = text("sync");

    private static volatile boolean go;

    private final ZMQ.Socket socket;
    private final Role role;

    /** What a peer plays: the socket's type, and the script. */
    private enum Role {
        REQ(ZMQ.REQ, Script.ASK),
        DEALER(ZMQ.DEALER, Script.ASK),
        PAIR_ASK(ZMQ.PAIR, Script.ASK),
        REP(ZMQ.REP, Script.ECHO),
        ROUTER(ZMQ.ROUTER, Script.ECHO),
        PAIR_ECHO(ZMQ.PAIR, Script.ECHO),
        PUSH(ZMQ.PUSH, Script.PUSH),
        PULL(ZMQ.PULL, Script.PULL),
        PUB(ZMQ.PUB, Script.PUBLISH),
        XPUB(ZMQ.XPUB, Script.PUBLISH),
        SUB(ZMQ.SUB, Script.SUBSCRIBE),
        XSUB(ZMQ.XSUB, Script.SUBSCRIBE);

        final int type;
        final Script script;

        Role(int type, Script script) {
            this.type = type;
            this.script = script;
        }
    }

    private enum Script { ASK, ECHO, PUSH, PULL, PUBLISH, SUBSCRIBE }

    /** What was done went wrong. */
    private static final class Failed extends RuntimeException {
        private static final long serialVersionUID = 1;

        Failed(String why) {
            super(why);
        }
    }

    /** JeroMQ lacks what is asked for. */
    private static final class Unsupported extends RuntimeException {
        private static final long serialVersionUID = 1;

        Unsupported(String what) {
            super(what);
        }
    }

    private Peer(ZMQ.Socket socket, Role role) {
        this.socket = socket;
        this.role = role;
    }

    /** Exit codes: 0 done, 1 failed, 2 usage, 3 JeroMQ lacks what was asked for. */
    public static void main(String[] words) {
        try {
            run(words);
        } catch (Unsupported lack) {
            say("unsupported " + lack.getMessage());
            end(3);
        } catch (RuntimeException failure) {
            say("failed " + (failure instanceof Failed ? failure.getMessage() : failure.toString()));
            end(1);
        }
    }

    private static void run(String[] words) {
        if (words.length < 5 || words.length % 2 == 0) {
            System.err.println("usage: Peer ROLE ENDPOINT BIND|CONNECT SIZE COUNT [--within SECONDS]");
            end(2);
        }
        int within = 30;
        for (int at = 5; at < words.length; at += 2) {
            String option = words[at] + " " + words[at + 1];
            if (words[at].equals("--within")) {
                within = Integer.parseInt(words[at + 1]);
            } else if (!option.equals("--security null")) {
                throw new Unsupported("JeroMQ 0.3 has no " + option);
            }
        }
        if (!words[0].startsWith("interop-")) {
            throw new Unsupported("JeroMQ is met, and not measured");
        }
        if (!words[1].startsWith("tcp://")) {
            throw new Unsupported("JeroMQ has no " + words[1]);
        }
        steer(within);
        Role role = Role.valueOf(words[0].substring("interop-".length()).replace('-', '_').toUpperCase(Locale.ROOT));
        ZMQ.Socket socket = ZMQ.context(1).socket(role.type);
        if (words[2].equals("BIND")) {
            // JeroMQ looks for a free one itself where the port is 0, and says which only here.
            int port = socket.bindToRandomPort(words[1].substring(0, words[1].lastIndexOf(':')));
            say("ready " + words[1].substring(0, words[1].lastIndexOf(':') + 1) + port);
        } else {
            socket.connect(words[1]);
            say("ready " + words[1]);
        }
        Peer peer = new Peer(socket, role);
        int rounds = Integer.parseInt(words[4]);
        for (int round = 0; round < rounds; round++) {
            peer.play(round == 0);
        }
        say("ok");
        // What was sent last may still be on its way; the end of stdin ends the process.
        while (true) {
            pause(1000);
        }
    }

    private void play(boolean first) {
        switch (role.script) {
            case ASK:
                for (List<byte[]> message : messages()) {
                    ask(message);
                }
                break;
            case ECHO:
                for (int count = messages().size(); count > 0; count--) {
                    send(receive());
                }
                break;
            case PUSH:
                sendAll(messages());
                break;
            case PULL:
                expectAll(messages());
                break;
            case PUBLISH:
                publish(first);
                break;
            case SUBSCRIBE:
                subscribe(first);
                break;
        }
    }

    private void ask(List<byte[]> message) {
        List<byte[]> sent = new ArrayList<>(message);
        if (role == Role.DEALER) {
            // A REP, and a ROUTER that answers a REQ, expect the delimiter which REQ adds by itself.
            sent.add(0, new byte[0]);
        }
        send(sent);
        compare(sent, receive());
    }

    private void publish(boolean first) {
        if (first) {
            if (role == Role.XPUB) {
                awaitSubscriptions();
            }
            while (!go) {
                send(Arrays.asList(SYNC));
                pause(5);
            }
        }
        sendAll(publications());
    }

    private void awaitSubscriptions() {
        List<byte[]> awaited = subscriptions();
        while (!awaited.isEmpty()) {
            byte[] notice = receive().get(0);
            if (notice.length > 0 && notice[0] == 1) {
                byte[] prefix = Arrays.copyOfRange(notice, 1, notice.length);
                awaited.removeIf(other -> Arrays.equals(other, prefix));
            }
        }
        say("subscribed");
    }

    private void subscribe(boolean first) {
        if (first) {
            for (byte[] prefix : subscriptions()) {
                if (role == Role.XSUB) {
                    send(Arrays.asList(joined(new byte[] {1}, prefix)));
                } else {
                    socket.subscribe(prefix);
                }
            }
            List<byte[]> message = receive();
            if (!isSync(message)) {
                throw new Failed("expected a sync first, and " + shape(message) + " came");
            }
            say("synced");
        }
        List<List<byte[]>> wanted = publications();
        wanted.removeIf(message -> subscriptions().stream().noneMatch(prefix -> startsWith(message.get(0), prefix)));
        expectAll(wanted);
    }

    private void sendAll(List<List<byte[]>> messages) {
        for (List<byte[]> message : messages) {
            send(message);
        }
    }

    private void expectAll(List<List<byte[]>> messages) {
        for (List<byte[]> expected : messages) {
            List<byte[]> came = receive();
            while (isSync(came)) {
                came = receive();
            }
            compare(expected, came);
        }
    }

    private void send(List<byte[]> parts) {
        for (int at = 0; at < parts.size(); at++) {
            if (!socket.send(parts.get(at), at + 1 < parts.size() ? ZMQ.SNDMORE : 0)) {
                throw new Failed("send: " + socket.base().errno());
            }
        }
    }

    private List<byte[]> receive() {
        List<byte[]> parts = new ArrayList<>();
        do {
            byte[] part = socket.recv(0);
            if (part == null) {
                throw new Failed("receive: " + socket.base().errno());
            }
            parts.add(part);
        } while (socket.hasReceiveMore());
        return parts;
    }

    private static boolean isSync(List<byte[]> message) {
        return Arrays.equals(message.get(0), SYNC);
    }

    private static void compare(List<byte[]> expected, List<byte[]> came) {
        boolean same = expected.size() == came.size();
        for (int at = 0; same && at < expected.size(); at++) {
            same = Arrays.equals(expected.get(at), came.get(at));
        }
        if (!same) {
            throw new Failed("expected " + shape(expected) + ", and " + shape(came) + " came");
        }
    }

    /** Sizes of the parts, and the octets of short ones. */
    private static String shape(List<byte[]> message) {
        List<String> parts = new ArrayList<>();
        for (byte[] part : message) {
            StringBuilder octets = new StringBuilder();
            for (int at = 0; at < part.length && (part.length <= 8 || at < 2); at++) {
                octets.append(String.format("%02x", part[at]));
            }
            String shape = part.length <= 8 ? octets.toString() : part.length + " octets " + octets + "..";
            parts.add(part.length == 0 ? "empty" : shape);
        }
        return parts.toString();
    }

    /** Each size alone, all together, parts that are empty in every place, and more parts than one write is worth. */
    private static List<List<byte[]>> messages() {
        List<List<byte[]>> all = new ArrayList<>();
        List<byte[]> together = new ArrayList<>();
        for (int size : SIZES) {
            all.add(Arrays.asList(body(size)));
            together.add(body(size));
        }
        all.add(together);
        all.add(Arrays.asList(body(0), body(0)));
        all.add(Arrays.asList(body(31), body(0), body(1)));
        all.add(Arrays.asList(body(65536), body(65536), body(0)));
        List<byte[]> many = new ArrayList<>();
        for (int part = 0; part < 40; part++) {
            many.add(body(8192));
        }
        all.add(many);
        return all;
    }

    /** Octets that differ from place to place and from size to size. */
    private static byte[] body(int size) {
        byte[] octets = new byte[size];
        for (int at = 0; at < size; at++) {
            octets[at] = (byte) ((at * 31 + size) % 251);
        }
        return octets;
    }

    /** A short prefix, one that needs a long frame, and the one of the handshake. */
    private static List<byte[]> subscriptions() {
        return new ArrayList<>(Arrays.asList(text("apple"), repeated('l', 300), SYNC));
    }

    /** Topics that match exactly, by prefix, nearly, and not at all. */
    private static List<List<byte[]>> publications() {
        List<List<byte[]>> all = new ArrayList<>();
        for (int size : SIZES) {
            for (String topic : new String[] {"apple", "pear", "appl"}) {
                all.add(Arrays.asList(text(topic), body(size)));
            }
        }
        all.add(Arrays.asList(text("apple.pie")));
        all.add(Arrays.asList(new byte[0]));
        all.add(Arrays.asList(repeated('l', 299), body(1)));
        all.add(Arrays.asList(repeated('l', 300), body(0), body(256)));
        return all;
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] repeated(char octet, int count) {
        byte[] octets = new byte[count];
        Arrays.fill(octets, (byte) octet);
        return octets;
    }

    private static byte[] joined(byte[] front, byte[] back) {
        byte[] whole = Arrays.copyOf(front, front.length + back.length);
        System.arraycopy(back, 0, whole, front.length, back.length);
        return whole;
    }

    private static boolean startsWith(byte[] octets, byte[] prefix) {
        return octets.length >= prefix.length && Arrays.equals(Arrays.copyOf(octets, prefix.length), prefix);
    }

    /** Listens on stdin, and ends the process with it, or when the time is up. */
    private static void steer(int within) {
        daemon(() -> {
            try (BufferedReader lines = new BufferedReader(new InputStreamReader(System.in))) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    go |= line.trim().equals("go");
                }
            } catch (IOException broken) {
                System.err.println(broken);
            }
            end(0);
        });
        daemon(() -> {
            pause(within * 1000L);
            say("failed not done within " + within + " s");
            end(1);
        });
    }

    private static void daemon(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        thread.start();
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException nobodyDoes) {
            Thread.currentThread().interrupt();
        }
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    /** At once: JeroMQ's threads are not asked. */
    private static void end(int code) {
        Runtime.getRuntime().halt(code);
    }
}

// An engine that is not ours, as a terminal: QuickFIX/J behind lines of text, for the tests beside it. The lines are
// those of `peer.cpp`.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import quickfix.Application;
import quickfix.Connector;
import quickfix.DefaultMessageFactory;
import quickfix.FieldMap;
import quickfix.FileStoreFactory;
import quickfix.Log;
import quickfix.LogFactory;
import quickfix.Message;
import quickfix.Session;
import quickfix.SessionID;
import quickfix.SessionSettings;
import quickfix.SocketAcceptor;
import quickfix.SocketInitiator;

public final class Peer implements Application {
    private static volatile SessionID session;
    private static Connector host;

    public static void main(String[] words) throws Exception {
        SessionSettings settings = new SessionSettings(words[1]);
        Peer peer = new Peer();
        FileStoreFactory stores = new FileStoreFactory(settings);
        LogFactory logs = id -> new Lines();
        DefaultMessageFactory messages = new DefaultMessageFactory();
        host = words[0].equals("acceptor")
            ? new SocketAcceptor(peer, stores, settings, logs, messages)
            : new SocketInitiator(peer, stores, settings, logs, messages);
        host.start();
        say("ready", "");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null && !line.equals("quit"); line = in.readLine()) {
            try {
                obey(line);
            } catch (Exception error) {
                say("?", error.toString());
            }
            say("done", "");
        }
        // Its threads end with the process; a clean stop would wait for the peer.
        Runtime.getRuntime().halt(0);
    }

    private static void obey(String line) throws Exception {
        String[] words = line.split(" ", 2);
        Session session = Session.lookupSession(Peer.session);
        switch (words[0]) {
            case "send": send(words[1]); break;
            case "out": session.setNextSenderMsgSeqNum(Integer.parseInt(words[1])); break;
            case "in": session.setNextTargetMsgSeqNum(Integer.parseInt(words[1])); break;
            case "await": await(Integer.parseInt(words[1]), session); break;
            case "rest": rest(); break;
            case "logout": session.logout(); break;
            case "logon": session.logon(); break;
            default: say("?", line);
        }
    }

    /** What the engine logs as come it may still be dealing with. */
    private static void await(int next, Session session) throws Exception {
        for (int round = 0; session.getExpectedTargetNum() != next; round++) {
            if (round == 6000) {
                throw new IllegalStateException("expects " + session.getExpectedTargetNum());
            }
            Thread.sleep(10);
        }
    }

    /** The end of a connection is put in a queue: one dealt with late would end the connection that came after it. */
    private static void rest() throws Exception {
        SocketAcceptor acceptor = (SocketAcceptor) host;
        for (int round = 0; isBusy(acceptor); round++) {
            if (round == 6000) {
                throw new IllegalStateException("the connection is still open");
            }
            Thread.sleep(10);
        }
        Thread.sleep(250);
    }

    private static boolean isBusy(SocketAcceptor acceptor) {
        return acceptor.getQueueSize() > 0
            || acceptor.getEndpoints().stream().anyMatch(place -> place.getManagedSessionCount() > 0);
    }

    private static void send(String fields) throws Exception {
        Message message = new Message();
        for (String field : fields.split("\\|")) {
            String[] halves = field.split("=", 2);
            int tag = Integer.parseInt(halves[0]);
            FieldMap part = tag == 35 ? message.getHeader() : message;
            part.setString(tag, halves[1]);
        }
        Session.sendToTarget(message, session);
    }

    private static synchronized void say(String what, String text) {
        System.out.println(text.isEmpty() ? what : what + " " + text.replace('\u0001', '|'));
        System.out.flush();
    }

    @Override public void onCreate(SessionID id) { session = id; }
    @Override public void onLogon(SessionID id) { say("logon", ""); }
    @Override public void onLogout(SessionID id) { say("logout", ""); }
    @Override public void toAdmin(Message message, SessionID id) { }
    @Override public void fromAdmin(Message message, SessionID id) { }
    @Override public void toApp(Message message, SessionID id) { }
    @Override public void fromApp(Message message, SessionID id) { say("app", message.toString()); }

    private static final class Lines implements Log {
        @Override public void clear() { }
        @Override public void onIncoming(String message) { say("<", message); }
        @Override public void onOutgoing(String message) { say(">", message); }
        @Override public void onEvent(String text) { say(".", text); }
        @Override public void onErrorEvent(String text) { say(".", text); }
    }
}
